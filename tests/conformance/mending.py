"""Settings that were drawn one by one, made to fit together as TensorFlow wants them."""

from __future__ import annotations

from typing import Any

from tests.conformance.settings import Scene

Chosen = dict[str, Any]


def windows(chosen: Chosen, scene: Scene) -> Chosen:
    """Strides or dilation; whole groups; causal padding channels last only."""
    if max(chosen["strides"]) > 1 and max(chosen["dilation_rate"]) > 1:
        chosen["dilation_rate"] = (1,) * scene.rank
    if "groups" in chosen and "filters" in chosen:
        chosen["filters"] *= chosen["groups"]
    if chosen["data_format"] == "channels_first" and chosen["padding"] == "causal":
        chosen["padding"] = "same"
    return chosen


def depthwise(chosen: Chosen, scene: Scene) -> Chosen:
    """The same strides along both axes, and the same dilations."""
    chosen = windows(chosen, scene)
    for name in ("strides", "dilation_rate"):
        chosen[name] = chosen[name][:1] * scene.rank
    return chosen


def transposed(chosen: Chosen, scene: Scene) -> Chosen:
    """An output padding is smaller than its stride."""
    chosen = windows(chosen, scene)
    if (extra := chosen["output_padding"]) is not None:
        chosen["output_padding"] = tuple(min(e, s - 1) for e, s in zip(extra, chosen["strides"], strict=True))
    return chosen


def locally(chosen: Chosen, scene: Scene) -> Chosen:
    """No holes; a kernel of its own at every place can be padded only where it is stored with zeros."""
    chosen["dilation_rate"] = (1,) * scene.rank
    if chosen["implementation"] == 1 or chosen["padding"] == "causal":
        chosen["padding"] = "valid"
    return chosen
