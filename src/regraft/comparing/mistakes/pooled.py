"""What goes wrong with pools over the whole map or sequence: the other pool, the sum, one step alone."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.comparing.mistakes.mistake import Mistake, Place


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of a global pool."""
    kind = place.spec.type
    if not kind.startswith("Global") or place.spec.config.get("data_format") == "channels_first":
        return
    yield from whole(place)
    keep = bool(place.spec.config.get("keepdims"))
    told = "the mean" if "Average" in kind else "the largest value"
    axes = tuple(range(1, place.x.ndim - 1))
    made = (None, *([1] * len(axes) if keep else []), place.x.shape[-1])
    if "Average" in kind:
        yield place.other(
            "kind of pool", "takes the sum of each channel; Keras takes the mean", "x.mean(...) over the map", "Written",
            code=f"%0.sum({axes}, keepdim={keep})", made=made,
        )  # fmt: skip
    if len(axes) == 1:
        for words, step in (("first", "[:, :1]"), ("last", "[:, -1:]")):
            yield place.other(
                "time step", f"takes the {words} step; Keras takes {told} of all steps",
                f"{'x.mean(1)' if 'Average' in kind else 'x.amax(1)'} there", "Written",
                code=f"%0{step}" + ("" if keep else ".squeeze(1)"), made=made,
            )  # fmt: skip


def whole(place: Place) -> Iterator[Mistake]:
    """The other pool over the whole map."""
    kind = place.spec.type
    if "Average" in kind:
        yield place.other(
            "kind of pool", "takes the largest value of each channel; Keras takes the mean", "x.mean(...) over the map",
            kind.replace("Average", "Max"), **place.spec.config,
        )  # fmt: skip
    elif "Max" in kind:
        yield place.other(
            "kind of pool", "takes the mean of each channel; Keras takes the largest value", "x.amax(...) over the map",
            kind.replace("Max", "Average"), **place.spec.config,
        )  # fmt: skip
