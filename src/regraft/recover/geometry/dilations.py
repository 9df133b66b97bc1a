"""Dilations that double from block to block, as in WaveNet and temporal convolutional networks."""

from __future__ import annotations

from regraft.blueprint import Blueprint, Setting, TensorRef
from regraft.errors import RegraftError
from regraft.layers.walk import model_shapes
from regraft.recover.draft import edited
from regraft.recover.geometry.graph import built_or_none
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.roles import SUMS
from regraft.recover.geometry.ways import Way
from regraft.recover.question import Option, Question, sorted_question, times

#: Residual blocks in a row from which on the question is asked.
LEAST_BLOCKS = 4
#: What doubling costs beforehand: residual towers over one axis without pools are rare otherwise.
DOUBLING, EQUAL = 0.7, 0.7
Edits = dict[tuple[str, str], Setting]


def dilation_question(plan: Plan, blueprint: Blueprint) -> Question | None:
    """
    Whether dilations double from block to block; None where there is no tower of equal blocks over one axis.

    With padding no size depends on it. Stored means do, where borders are a good part of what a wide kernel sees.
    """
    depths = blocks(plan)
    names = [name for name in depths if towers(plan, blueprint, name)]
    if len({depths[name] for name in names}) < LEAST_BLOCKS:
        return None
    least = min(depths[name] for name in names)
    kinds: list[tuple[str, float, Edits]] = []
    for words, cost, first in (("doubles from 1", DOUBLING, 0), ("doubles from 2", DOUBLING + 1.0, 1)):
        powers = {name: min(depths[name] - least + first, 12) for name in names}
        kinds.append((words, cost, {(name, "dilation_rate"): (2**power,) for name, power in powers.items()}))
    kinds.append(("is 1 throughout", EQUAL, {(name, "dilation_rate"): (1,) for name in names}))
    borders = [border_cost(plan, blueprint, edits) for _, _, edits in kinds]
    told = [cost for cost in borders if cost is not None]
    options = [
        Option(
            cost + (border or 0.0) - min(told, default=0.0),
            edits,
            f"dilation {words}: "
            + ("nothing in the file tells, no size depends on it" if border is None else "")
            + (
                ""
                if border is None
                else f"{times(border - min(told))} less likely by the borders that stored means show"
            ),
        )
        for (words, cost, edits), border in zip(kinds, borders, strict=True)
    ]
    found = sorted_question(options, "open")
    clear = told and found.options[1].cost - found.options[0].cost >= plan.margin
    return Question(found.options, "supported") if clear else found


def blocks(plan: Plan) -> dict[str, int]:
    """For every layer how many sums lie before it, on the longest way."""
    graph = plan.graph
    before: dict[TensorRef, int] = {}
    found: dict[str, int] = {}
    for call in graph.calls:
        depth = max((before.get(ref, 0) for ref in call.inputs), default=0)
        found.setdefault(call.layer, depth)
        summed = graph.spec(call.layer).type in SUMS and len(call.inputs) > 1
        before[TensorRef(call.layer, call.call)] = depth + summed
    return found


def towers(plan: Plan, blueprint: Blueprint, name: str) -> bool:
    """Whether a layer is a padded kernel over one axis inside a residual block, that moves by one."""
    if name not in blueprint.by_name or not plan.roles.get(name) or not plan.roles[name].inside:
        return False
    spec = blueprint.by_name[name]
    config = spec.config
    wide = config.get("kernel_size", (1,)) not in (1, (1,))
    steps = config.get("strides", 1) in (1, (1,))
    return spec.type in ("Conv1D", "SeparableConv1D") and wide and steps and config.get("padding") in ("same", "causal")


def border_cost(plan: Plan, blueprint: Blueprint, edits: Edits) -> float | None:
    """What these dilations cost by stored means; None where nothing tells."""
    try:
        changed = edited(blueprint, edits)
        shapes = model_shapes(changed)
    except (RegraftError, ValueError, TypeError, IndexError):
        return None
    costs: list[float] = []
    for call in changed.calls:
        price = plan.borders.price(call.layer) if (call.layer, "dilation_rate") in edits else None
        if price is not None:
            layer = built_or_none(changed.by_name[call.layer])
            costs.append(price(Way(layer=layer), tuple(shapes.get(ref) for ref in call.inputs)))
    return sum(costs) if costs else None
