"""What goes wrong with layers that put zeros around a map, and with zeros that are other numbers."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.blueprint import LayerSpec
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import CONVOLUTIONS, again, ends_of, words_of
from regraft.comparing.model import Model


def mistakes(place: Place) -> Iterator[Mistake]:
    """Another border for that of a ZeroPadding, and none of zeros around what a convolution takes."""
    if place.spec.type in CONVOLUTIONS and place.spec.config.get("data_format") != "channels_first":
        yield from filled(place)
    right = place.spec.config.get("padding")
    if not place.spec.type.startswith("ZeroPadding") or not isinstance(right, tuple):
        return
    ends = tuple((int(str(a)), int(str(b))) for a, b in right)  # type: ignore[misc]
    seen = {ends}
    pads = tuple(n for pair in reversed(ends) for n in pair)
    change = (
        f"x = torch.nn.functional.pad(x, {pads}) in {{module}}, in front of the layer behind it, which has padding=0"
    )
    rank = len(ends)
    for other in (
        tuple((max(a, b), max(a, b)) for a, b in ends),
        tuple((b, a) for a, b in ends),
        tuple((min(a, b), min(a, b)) for a, b in ends),
        *(tuple((n, n) for _ in range(rank)) for n in (0, 1, 2, 3)),
        tuple((a + b, 0) for a, b in ends),
        tuple((0, a + b) for a, b in ends),
        tuple(ends[::-1]),
    ):
        if other in seen:
            continue
        seen.add(other)
        what = "padding side" if sum(map(sum, other)) == sum(map(sum, ends)) else "padding"
        words = f"pads {words_of(other)}; Keras pads {words_of(ends)} ({place.spec.type})"
        yield place.setting(what, words, change, padding=other)


def filled(place: Place) -> Iterator[Mistake]:
    """A convolution that reads its map reflected, repeated or turned round at the border; Keras reads zeros."""
    if place.spec.config.get("padding") != "same":
        return
    sizes = place.x.shape[1:-1]
    ends = ends_of(place.spec, sizes)
    pads = tuple(n for pair in reversed(ends) for n in pair)
    grown = tuple(size + a + b for size, (a, b) in zip(sizes, ends, strict=True))
    for mode in ("reflect", "replicate", "circular") if any(pads) else ():
        code = f"F.pad(%0.movedim(-1, 1), {pads}, mode={mode!r}).movedim(1, -1)"
        spec = LayerSpec(f"{place.name}/border", "Written", {"code": code, "made": (None, *grown, place.x.shape[-1])})

        def made(model: Model, spec: LayerSpec = spec) -> Model:
            model = model.with_layer(place.name, padding="valid")
            return model.before(again(model, place.call), spec)

        yield Mistake(
            "padding mode", place.name, f"fills the border by {mode}; Keras fills it with zeros",
            "padding_mode='zeros' in {module}, or F.pad without a mode", made,
        )  # fmt: skip
