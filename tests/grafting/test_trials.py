"""What one example does not show: limits, masked steps, other sizes, an example of zeros. None of it passes for equal."""

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
from regraft.grafting.result import Graft

pytestmark = pytest.mark.oracle
Make = Callable[[Any, Any], Any]


class Net(nn.Module):
    """Parts by name, and a function of them."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


# ---- maps


def image(la: Any, shape: tuple[int | None, ...] = (12, 10, 3), **options: Any) -> Any:
    """A convolution and a head."""
    x = la.Input(shape)
    y = la.Conv2D(6, 3, name="conv", activation="relu", **options)(la.Rescaling(1 / 255)(x))
    return x, la.Dense(2, name="head")(la.GlobalAveragePooling2D()(la.Conv2D(4, 3, name="last")(y)))


def picture(
    function: Callable[[Tensor], Tensor] = torch.relu, scale: float = 255.0, stride: int = 1, border: Any = (0, 0, 0, 0)
) -> Net:
    def run(p: Any, x: Tensor) -> Tensor:
        sides = border(x) if callable(border) else border
        return p.head(p.last(function(p.conv(functional.pad(x / scale, sides)))).mean((2, 3)))

    return Net(run, conv=nn.Conv2d(3, 6, 3, stride), last=nn.Conv2d(6, 4, 3), head=nn.Linear(4, 2))


def assigned(x: Tensor) -> Tensor:
    """A limit that no function of PyTorch sets."""
    x = torch.relu(x)
    x[x > 6] = 6
    return x


def by_formula(x: Tensor) -> Tensor:
    """What ``torch.relu`` does, in other words."""
    return (x + x.abs()) / 2


def same_border(x: Tensor) -> tuple[int, ...]:
    """What Keras puts around a map of any size for a kernel of 3 and a stride of 2."""
    height, width = x.shape[2:]
    return (width % 2, 1, height % 2, 1)


# ---- sequences


def words(la: Any, **options: Any) -> Any:
    x = la.Input((7,))
    return x, la.Dense(3, name="head")(la.LSTM(6, name="lstm")(la.Embedding(20, 5, name="embed", **options)(x)))


def steps(la: Any, layer: Any) -> Any:
    x = la.Input((7, 5))
    return x, la.Dense(3, name="head")(layer(x))


def reader() -> Net:
    """Without masks."""
    return Net(
        lambda p, x: p.head(p.lstm(p.embed(x))[0][:, -1]),
        embed=nn.Embedding(20, 5), lstm=nn.LSTM(5, 6, batch_first=True), head=nn.Linear(6, 3),
    )  # fmt: skip


def packing() -> Net:
    """Sequences of their own lengths, as PyTorch packs them: masks at the end are right, others are not."""

    def run(p: Any, x: Tensor) -> Tensor:
        lengths = (x != 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(p.embed(x), lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = p.lstm(packed)
        return p.head(last[-1])

    return Net(run, embed=nn.Embedding(20, 5), lstm=nn.LSTM(5, 6, batch_first=True), head=nn.Linear(6, 3))


def shifting() -> Net:
    """The same, with the words that count moved to the front."""
    net = packing()
    inner = net.run

    def run(p: Any, x: Tensor) -> Tensor:
        return inner(p, x.gather(1, torch.argsort((x == 0).long(), dim=1, stable=True)))

    net.run = run
    return net


def stock(kind: type[nn.RNNBase]) -> Net:
    return Net(
        lambda p, x: p.head(p.rnn(x)[0][:, -1]), rnn=kind(5, 6, batch_first=True), head=nn.Linear(6, 3)
    )  # fmt: skip


SMALL, ZEROS = torch.rand(2, 3, 12, 10), torch.zeros(2, 3, 12, 10)
#: Case, Keras model, module, example, words that the difference or a note has.
DIFFERENT: list[tuple[str, Make, Callable[[], nn.Module], Any, str]] = [
    ("a limit far from the example", lambda k, la: image(la), lambda: picture(functional.relu6), SMALL, "relu6"),
    ("a limit that is assigned", lambda k, la: image(la), lambda: picture(assigned), SMALL, "__setitem__"),
    ("a factor, on zeros", lambda k, la: image(la), lambda: picture(scale=1.0), ZEROS, "x * 0.00392156863"),
    (
        "a dropout that is always on", lambda k, la: image(la),
        lambda: picture(lambda x: functional.dropout(torch.relu(x), 0.3)), None, "dropout(p 0.3)",
    ),
    (
        "a border for even sizes", lambda k, la: image(la, (None, None, 3), strides=2, padding="same"),
        lambda: picture(stride=2, border=(0, 1, 0, 1)), torch.rand(2, 3, 14, 18), "at another size, (2, 3, 15, 19)",
    ),
    ("no masks", lambda k, la: words(la, mask_zero=True), reader, None, "masked step at the end is taken like any other"),
    (
        "masks at the end only", lambda k, la: words(la, mask_zero=True), packing, None,
        "masked step at the start is taken like any other",
    ),
    (
        "another gate function", lambda k, la: steps(la, la.LSTM(6, recurrent_activation="hard_sigmoid")),
        lambda: stock(nn.LSTM), None, "recurrent activation is sigmoid",
    ),
    (
        "another function", lambda k, la: steps(la, la.LSTM(6, activation="relu")), lambda: stock(nn.LSTM), None,
        "activation is tanh",
    ),
    (
        "a reset gate before the product", lambda k, la: steps(la, la.GRU(6, reset_after=False)), lambda: stock(nn.GRU),
        None, "reset gate is behind the product",
    ),
]  # fmt: skip
EQUAL: list[tuple[str, Make, Callable[[], nn.Module], Any, str]] = [
    ("nothing wrong", lambda k, la: image(la), picture, SMALL, ""),
    ("in other words", lambda k, la: image(la), lambda: picture(by_formula), SMALL, "in other words, with the same result"),
    ("zeros are not taken", lambda k, la: image(la), picture, ZEROS, "one number throughout"),
    (
        "a border for any size", lambda k, la: image(la, (None, None, 3), strides=2, padding="same"),
        lambda: picture(stride=2, border=same_border), torch.rand(2, 3, 14, 18), "also equal at another size",
    ),
    ("masks", lambda k, la: words(la, mask_zero=True), shifting, None, "also equal with masked steps at the start"),
]  # fmt: skip


def grafted(make: Make, module: nn.Module, example: Any, folder: Path) -> Graft:
    import keras
    from tests.twin import randomise

    model = keras.Model(*make(keras, keras.layers))
    randomise(model)
    model.save(folder / "model.keras")
    return graft(folder / "model.keras", module, example)


@pytest.mark.parametrize(
    ("make", "module", "example", "words"), [c[1:] for c in DIFFERENT], ids=[c[0] for c in DIFFERENT]
)
def test_what_the_example_does_not_show_is_found(
    make: Make, module: Any, example: Any, words: str, tmp_path: Path
) -> None:
    result = grafted(make, module(), example, tmp_path)
    assert result.problems == ()
    assert not result.equal
    told = [*map(str, result.grafting.differences), *result.notes]
    assert any(words in line for line in told), told
    assert result.comparison is not None
    effects = [result.comparison.effects.get(d.place) for d in result.grafting.differences]
    assert any(effect is None or effect > 1e-4 for effect in effects), effects


@pytest.mark.parametrize(("make", "module", "example", "words"), [c[1:] for c in EQUAL], ids=[c[0] for c in EQUAL])
def test_what_is_right_is_equal_on_all_that_is_tried(
    make: Make, module: Any, example: Any, words: str, tmp_path: Path
) -> None:
    result = grafted(make, module(), example, tmp_path)
    assert result.equal
    assert [d for d in result.grafting.differences if d.what != "momentum"] == []
    assert bool(result.notes) is bool(words)
    assert any(words in note for note in result.notes) or not words


def test_an_example_is_not_changed_by_a_module_that_changes_its_input(tmp_path: Path) -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = picture(scale=1.0)

        def forward(self, x: Tensor) -> Any:
            return self.inner(x.div_(255))

    example = torch.rand(2, 3, 12, 10)
    before = example.clone()
    assert grafted(lambda k, la: image(la), InPlace(), example, tmp_path).equal
    assert np.array_equal(example.numpy(), before.numpy())
