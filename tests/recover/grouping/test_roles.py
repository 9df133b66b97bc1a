from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.recover.grouping.roles import array_name


@pytest.mark.parametrize(
    ("name", "owner", "full"),
    [
        ("dense_1/kernel:0", "dense_1", "kernel"),
        ("dense_1/kernel", "dense_1", "kernel"),
        ("conv_5/bias_2:0", "conv_5", "bias"),
        ("tower/dense_1/kernel:0", "tower/dense_1", "kernel"),
        ("dense_1_W", "dense_1", "kernel"),
        ("conv1_W_1:0", "conv1", "kernel"),
        ("global/shared/dense_1_b:0", "global/shared/dense_1", "bias"),
        ("bn_0_freq_running_std_1:0", "bn_0_freq", "moving_variance"),
        ("bn1_running_mean", "bn1", "moving_mean"),
        ("lstm_1_W_i:0", "lstm_1", "kernel_i"),
        ("gru1_U_h", "gru1", "recurrent_kernel_h"),
        ("forward_lstm_1_b_c", "", "forward/bias_c"),
        ("lstm/lstm_cell_3/kernel:0", "lstm", "kernel"),
        ("bi/forward_lstm/lstm_cell/recurrent_kernel:0", "bi", "forward/recurrent_kernel"),
        ("bidirectional_1/backward_gru_1/bias:0", "bidirectional_1", "backward/bias"),
        ("mha/query/kernel:0", "mha", "query/kernel"),
        ("mha/attention_output/bias:0", "mha", "attention_output/bias"),
        ("p_re_lu/alpha:0", "p_re_lu", "alpha"),
        ("prelu_1_alphas", "prelu_1", "alpha"),
        ("param_0", "", ""),
        ("3", "", ""),
        ("set2_set_1/x_to_m_weight:0", "set2_set_1", "?"),
        ("net/phi/weight_v_0:0", "net/phi", "?"),
    ],
)
def test_array_names(name: str, owner: str, full: str) -> None:
    found = array_name(name)
    assert (found.owner, found.full) == (owner, full)


@given(st.text(max_size=80))
def test_no_name_is_too_strange(name: str) -> None:
    array_name(name)
