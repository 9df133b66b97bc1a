"""Operations of a graph by layer, whatever numbers TensorFlow put behind the names."""

from __future__ import annotations

import pytest

from regraft.verifying.scopes import bears, tensors_of


@pytest.mark.parametrize(
    ("part", "layer", "expected"),
    [
        ("conv2d", "conv2d", True),
        ("conv2d_1", "conv2d", True),
        ("conv2d_1_2", "conv2d_1", True),
        ("conv2d_1", "conv2d_1", True),
        ("conv2d_transpose", "conv2d", False),
        ("conv2d_1x", "conv2d", False),
        ("my_conv2d", "conv2d", False),
    ],
)
def test_bears(part: str, layer: str, expected: bool) -> None:
    assert bears(part, layer) is expected


@pytest.mark.parametrize(
    ("names", "layers", "expected"),
    [
        (["m/conv/Conv", "m/conv/Bias", "m/out/MatMul"], ["conv", "out"], {0: "m/conv/Bias", 1: "m/out/MatMul"}),
        # every name has a number behind it, and one of them is the name of another layer
        (["m_1/relu_1/Relu", "m_1/relu_1_2/Relu"], ["relu", "relu_1"], {0: "m_1/relu_1/Relu", 1: "m_1/relu_1_2/Relu"}),
        (["m/bn/batchnorm/mul", "m/bn/batchnorm/add"], ["bn"], {0: "m/bn/batchnorm/add"}),
        (["m/dense/MatMul", "m/dense_1/MatMul"], ["dense", "dense"], {0: "m/dense/MatMul", 1: "m/dense_1/MatMul"}),
        (["m/a/Relu"], ["gone", "a"], {1: "m/a/Relu"}),
        (["Identity", "x/y/z"], ["a"], {}),
    ],
)
def test_tensors_of_layers(names: list[str], layers: list[str], expected: dict[int, str]) -> None:
    assert {call: found[-1] for call, found in tensors_of(names, layers).items()} == expected
