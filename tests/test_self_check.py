"""The statistics in a file against its model, as a part of the report."""

from __future__ import annotations

from dataclasses import replace

from tests.recover.toy import chain, tree

from regraft import samples
from regraft.layers.binding import bind
from regraft.recover.draft import edited
from regraft.self_check import self_check
from regraft.stated import read_blueprint
from regraft.weights import read


def test_the_sample_agrees_with_itself() -> None:
    stored = read(samples.path("digits.h5"))
    blueprint = read_blueprint(stored, None, None)
    found = self_check(blueprint, bind(blueprint, stored))
    assert found is not None
    assert [row.verdict for row in found.layers] == ["cannot tell", "fits"]
    fitting = found.layers[1].misfit
    assert fitting is not None
    assert fitting < 0.25
    assert "[0, 1]" in found.inputs[0]


def test_a_wrong_activation_is_noticed() -> None:
    stored = read(samples.path("digits.h5"))
    right = read_blueprint(stored, None, None)
    wrong = edited(right, {("conv2d", "activation"): "sigmoid"})
    fitting, doubted = (self_check(b, bind(b, stored), look_for_rivals=False) for b in (right, wrong))
    assert fitting is not None
    assert doubted is not None
    assert doubted.layers[1].verdict in ("doubtful", "contradicts")
    assert (doubted.layers[1].misfit or 0) > 3 * (fitting.layers[1].misfit or 1)


def test_a_network_without_normalisation_has_nothing_to_check() -> None:
    blueprint = chain(4, 7, 3)
    assert self_check(blueprint, bind(replace(blueprint), tree((4, 7, 3)))) is None
