"""The architecture of the Keras 1 music tagger, as the JSON that its repository never shipped."""

from __future__ import annotations

import json
from typing import Any

TAGS = (
    "rock,pop,alternative,indie,electronic,female vocalists,dance,00s,alternative rock,jazz,beautiful,metal,chillout,"
    "male vocalists,classic rock,soul,indie rock,Mellow,electronica,80s,folk,90s,chill,instrumental,punk,oldies,blues,"
    "hard rock,ambient,acoustic,experimental,female vocalist,guitar,Hip-Hop,70s,party,country,easy listening,sexy,catchy,"
    "funk,electro,heavy metal,Progressive rock,60s,rnb,indie pop,sad,House,happy"
).split(",")


def crnn(ordering: str, elu_from: int) -> str:
    """
    Keras 1.0.6 JSON of the convolutional recurrent tagger for one dim ordering.

    A padded mel spectrogram, normalised over time, four blocks of convolution, BatchNorm, ELU and pooling, then two GRUs.
    The weight files name their ELU layers from 1 or from 6, and their input 1 or 2.
    """
    first = ordering == "th"
    channel, time = (1, 3) if first else (3, 2)
    source = "input_1" if first else "input_2"
    shape = [None, 1, 96, 1366] if first else [None, 96, 1366, 1]
    layers: list[dict[str, Any]] = []

    def add(kind: str, name: str, **config: Any) -> None:
        before = [[[layers[-1]["name"], 0, 0]]] if layers else []
        layers.append({"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": before})

    add("InputLayer", source, batch_input_shape=shape, input_dtype="float32")
    add("ZeroPadding2D", "zeropadding2d_1", padding=[0, 37], dim_ordering=ordering)
    add("BatchNormalization", "bn_0_freq", axis=time, mode=0, epsilon=1e-6, momentum=0.9)
    for block, (filters, pool) in enumerate(((64, (2, 2)), (128, (3, 3)), (128, (4, 4)), (128, (4, 4))), start=1):
        add(
            "Convolution2D", f"conv{block}", nb_filter=filters, nb_row=3, nb_col=3, border_mode="same", subsample=[1, 1],
            activation="linear", bias=True, dim_ordering=ordering,
        )  # fmt: skip
        add("BatchNormalization", f"bn{block}", axis=channel, mode=0, epsilon=1e-6, momentum=0.9)
        add("ELU", f"elu_{elu_from + block - 1}", alpha=1.0)
        add("MaxPooling2D", f"pool{block}", pool_size=pool, strides=pool, border_mode="valid", dim_ordering=ordering)
        add("Dropout", f"dropout{block}", p=0.1)
    if first:
        add("Permute", "permute_1", dims=[3, 1, 2])
    else:
        add("Permute", "permute_1", dims=[2, 1, 3])
    add("Reshape", "reshape_1", target_shape=[15, 128])
    for name, sequences in (("gru1", True), ("gru2", False)):
        add(
            "GRU", name, output_dim=32, activation="tanh", inner_activation="hard_sigmoid", return_sequences=sequences,
            go_backwards=False, stateful=False, unroll=False, dropout_W=0.0, dropout_U=0.0, input_dim=128, input_length=None,
        )  # fmt: skip
    add("Dropout", "dropout_1", p=0.3)
    add("Dense", "output", output_dim=50, activation="sigmoid", bias=True)
    ends = {"input_layers": [[source, 0, 0]], "output_layers": [["output", 0, 0]]}
    config = {"name": "crnn", "layers": layers, **ends}
    return json.dumps({"class_name": "Model", "config": config, "keras_version": "1.0.6"})
