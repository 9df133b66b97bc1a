"""Modules as users write them, for every kind of layer, against real Keras: each gets the weights, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft import graft

pytestmark = pytest.mark.oracle


class Written(nn.Module):
    """Named parts and a function: a module in a line or two."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.run = run

    def forward(self, *inputs: Tensor) -> Any:
        return self.run(self, *inputs)


def steps_of(cell: nn.LSTMCell, x: Tensor) -> Tensor:
    state = (torch.zeros(len(x), 6, dtype=x.dtype),) * 2
    for step in range(x.shape[1]):
        state = cell(x[:, step], state)
    return state[0]


def both_ends(self: Any, x: Tensor) -> Tensor:
    hidden = self.b(self.a(x)[0])[1][0]
    return self.o(torch.cat([hidden[-2], hidden[-1]], -1))


def generator(self: Any, x: Tensor) -> Tensor:
    x = functional.leaky_relu(self.n1(self.f(x)), 0.2).view(-1, 6, 3, 4)
    return torch.tanh(self.b(functional.relu(self.n(self.a(x)))))


def two_in_two_out(k: Any, la: Any) -> Any:
    a, b = la.Input((5,)), la.Input((5,))
    joined = la.Concatenate()([la.Dense(6, "relu")(a), la.Dense(6, "relu")(b)])
    return k.Model([a, b], [la.Dense(3)(joined), la.Dense(1, "sigmoid")(joined)])


def two_heads(self: Any, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    joined = torch.cat([functional.relu(self.a(x)), functional.relu(self.b(y))], -1)
    return self.q(joined), torch.sigmoid(self.p(joined))


def siamese(k: Any, la: Any) -> Any:
    a, b, shared = la.Input((5,)), la.Input((5,)), la.Dense(6, "relu")
    return k.Model([a, b], la.Dense(3)(la.Subtract()([shared(a), shared(b)])))


# What Keras has, what the user wrote, and the shape of each input in the order of PyTorch (a number: integers below it).
Layers = Callable[[Any, Any], Any]
CASES: dict[str, tuple[Layers, Callable[[], nn.Module], list[tuple[Any, ...]]]] = {
    "LSTM, its whole output": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.LSTM(6, return_sequences=True), la.LSTM(4), la.Dense(3, "softmax")]),
        lambda: Written(
            lambda m, x: m.o(m.b(m.a(x)[0])[0][:, -1]).softmax(-1),
            a=nn.LSTM(5, 6, batch_first=True), b=nn.LSTM(6, 4, batch_first=True), o=nn.Linear(4, 3),
        ),
        [(2, 7, 5)],
    ),
    "LSTM, its last state": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.LSTM(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(m.a(x)[1][0][-1]), a=nn.LSTM(5, 6, batch_first=True), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "two LSTMs as one stack": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.LSTM(6, return_sequences=True), la.LSTM(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(m.a(x)[0][:, -1]), a=nn.LSTM(5, 6, 2, batch_first=True), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "LSTM with time first": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.LSTM(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(m.a(x.transpose(0, 1))[0][-1]), a=nn.LSTM(5, 6), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "LSTMCell in a loop": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.LSTM(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(steps_of(m.a, x)), a=nn.LSTMCell(5, 6), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "GRU": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.GRU(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(m.a(x)[0][:, -1]), a=nn.GRU(5, 6, batch_first=True), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "SimpleRNN": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.SimpleRNN(6), la.Dense(3)]),
        lambda: Written(lambda m, x: m.o(m.a(x)[0][:, -1]), a=nn.RNN(5, 6, batch_first=True), o=nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "both directions, the last state of each": (
        lambda k, la: k.Sequential(
            [la.Input((7, 5)), la.Bidirectional(la.LSTM(6, return_sequences=True)), la.Bidirectional(la.LSTM(4)), la.Dense(3)]
        ),
        lambda: Written(
            both_ends,
            a=nn.LSTM(5, 6, batch_first=True, bidirectional=True),
            b=nn.LSTM(12, 4, batch_first=True, bidirectional=True),
            o=nn.Linear(8, 3),
        ),
        [(2, 7, 5)],
    ),
    "words, Conv1D, the largest over time": (
        lambda k, la: k.Sequential(
            [
                la.Input((9,), dtype="int32"), la.Embedding(20, 6), la.Conv1D(8, 3, activation="relu"),
                la.GlobalMaxPooling1D(), la.Dense(1, "sigmoid"),
            ]
        ),
        lambda: Written(
            lambda m, x: torch.sigmoid(m.o(functional.relu(m.c(m.e(x).transpose(1, 2))).max(-1).values)),
            e=nn.Embedding(20, 6), c=nn.Conv1d(6, 8, 3), o=nn.Linear(8, 1),
        ),
        [(20, 2, 9)],
    ),
    "SeparableConv2D as two modules, depth multiplier": (
        lambda k, la: k.Sequential(
            [
                la.Input((12, 10, 3)), la.SeparableConv2D(8, 3, padding="same"), la.ReLU(),
                la.DepthwiseConv2D(3, depth_multiplier=2), la.GlobalAveragePooling2D(), la.Dense(4),
            ]
        ),
        lambda: Written(
            lambda m, x: m.o(m.w(functional.relu(m.p(m.d(x)))).mean((2, 3))),
            d=nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False), p=nn.Conv2d(3, 8, 1),
            w=nn.Conv2d(8, 16, 3, groups=8), o=nn.Linear(16, 4),
        ),
        [(2, 3, 12, 10)],
    ),
    "a generator: Linear, normalisation, map, transposed convolutions": (
        lambda k, la: k.Sequential(
            [
                la.Input((5,)), la.Dense(72), la.BatchNormalization(), la.LeakyReLU(0.2), la.Reshape((3, 4, 6)),
                la.Conv2DTranspose(7, 4, strides=2, padding="same"), la.BatchNormalization(), la.ReLU(),
                la.Conv2DTranspose(2, 3, padding="valid", activation="tanh"),
            ]
        ),
        lambda: Written(
            generator,
            f=nn.Linear(5, 72), n1=nn.BatchNorm1d(72, eps=1e-3, momentum=0.01), a=nn.ConvTranspose2d(6, 7, 4, 2, 1),
            n=nn.BatchNorm2d(7, eps=1e-3, momentum=0.01), b=nn.ConvTranspose2d(7, 2, 3),
        ),
        [(2, 5)],
    ),
    "LayerNorm and gelu": (
        lambda k, la: k.Sequential([la.Input((7, 5)), la.Dense(6, "gelu"), la.LayerNormalization(), la.Dense(3)]),
        lambda: nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.LayerNorm(6, eps=1e-3), nn.Linear(6, 3)),
        [(2, 7, 5)],
    ),
    "two inputs of one shape, two outputs": (
        two_in_two_out,
        lambda: Written(two_heads, p=nn.Linear(12, 1), q=nn.Linear(12, 3), b=nn.Linear(5, 6), a=nn.Linear(5, 6)),
        [(2, 5), (2, 5)],
    ),
    "one layer for two inputs": (
        siamese,
        lambda: Written(
            lambda m, x, y: m.q(functional.relu(m.a(x)) - functional.relu(m.a(y))), q=nn.Linear(6, 3), a=nn.Linear(5, 6)
        ),
        [(2, 5), (2, 5)],
    ),
    "Conv3D, PReLU, Flatten": (
        lambda k, la: k.Sequential(
            [la.Input((6, 5, 4, 2)), la.Conv3D(3, 2), la.PReLU(shared_axes=[1, 2, 3]), la.Flatten(), la.Dense(4)]
        ),
        lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.PReLU(3), nn.Flatten(), nn.Linear(180, 4)),
        [(2, 2, 6, 5, 4)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_module_gets_the_weights_of_keras(name: str, tmp_path: Path) -> None:
    import keras

    made, written, shapes = CASES[name]
    rng = np.random.default_rng(3)
    model = made(keras, keras.layers)
    model.set_weights(
        [rng.uniform(0.1, 0.9, w.shape) * rng.choice([-1, 1], w.shape) ** (w.ndim > 1) for w in model.get_weights()]
    )
    model.save(tmp_path / "model.keras")
    inputs = [
        torch.from_numpy(rng.standard_normal(shape).astype("float32")) if len(shape) < 3 or shape[0] != 20
        else torch.from_numpy(rng.integers(0, shape[0], shape[1:]))
        for shape in shapes
    ]  # fmt: skip
    module = written()
    result = graft(tmp_path / "model.keras", module, inputs)
    assert result.problems == ()
    assert result.equal
    assert result.grafting.differences == ()
    given = [np.moveaxis(x.numpy(), 1, -1) if x.dim() > 3 else x.numpy() for x in inputs]
    expected = model(given if len(given) > 1 else given[0])
    with torch.no_grad():
        found = module.eval()(*inputs)
    for ours, theirs in zip(listed(found), listed(expected), strict=True):
        array = np.moveaxis(ours.numpy(), 1, -1) if ours.dim() > 3 else ours.numpy()
        np.testing.assert_allclose(array, theirs, atol=2e-5 * float(np.abs(theirs).max()) + 1e-6)
    state = {key: tensor.numpy() for key, tensor in module.state_dict().items()}
    stored = {variable.path: variable.read() for variable in result.source.tree.variables()}
    for path, array in result.mapping.variables(state, stored.__getitem__).items():
        assert array.tobytes() == stored[path].tobytes(), f"{path} does not come back"


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


REFUSED = [
    (
        "a weight that is computed from others",
        lambda k, la: k.Sequential([la.Input((5,)), la.Dense(6, "relu"), la.Dense(3)]),
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(5, 6)), nn.ReLU(), nn.Linear(6, 3)),
        (2, 5),
        "remove_parametrizations",
    ),
]


@pytest.mark.parametrize(("made", "written", "shape", "words"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_is_refused(made: Any, written: Any, shape: Any, words: str, tmp_path: Path) -> None:
    import keras

    made(keras, keras.layers).save(tmp_path / "model.keras")
    module = written()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    result = graft(tmp_path / "model.keras", module, torch.zeros(shape))
    assert any(words in problem for problem in result.problems)
    assert not result.equal
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())


def test_another_gelu_is_named_with_its_effect(tmp_path: Path) -> None:
    import keras

    model = CASES["LayerNorm and gelu"][0](keras, keras.layers)
    model.save(tmp_path / "model.keras")
    module = nn.Sequential(nn.Linear(5, 6), nn.GELU("tanh"), nn.LayerNorm(6, eps=1e-3), nn.Linear(6, 3))
    result = graft(tmp_path / "model.keras", module, torch.ones(2, 7, 5))
    assert not result.equal
    (difference,) = result.grafting.differences
    assert (difference.expected, difference.found) == ("gelu(approximate none)", "gelu(approximate tanh)")
