"""What goes wrong with layers that put zeros around a map."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import words_of


def mistakes(place: Place) -> Iterator[Mistake]:
    """Another border for that of a ZeroPadding."""
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
