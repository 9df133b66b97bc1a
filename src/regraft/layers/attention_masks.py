"""Where a query may look: all masks of an attention in heads in one expression."""

from __future__ import annotations

from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Site


def tensor_arguments(site: Site) -> dict[str, str]:
    """The token of every named argument of the call that is a tensor."""
    return {name: f"%{found[0]}" for name, found in site.argument_places.items() if found}


def visible(site: Site, query_mask: str, axes: tuple[int, ...], window: int | None) -> tuple[str, tuple[str, ...]]:
    """
    The masks of query, value and key, a causal and a sliding one, and the ``attention_mask`` of the call, joined.

    Args:
        site: The call; its masks are those that come with the tensors.
        query_mask: Token of the mask of the query, or empty.
        axes: The axes along which is attended.
        window: How far a query may look, if not everywhere.

    Returns:
        An expression that broadcasts against (batch, heads, target, source), empty if there is no mask, and the snippets
        it needs.

    Raises:
        UnknownLayerError: Where Keras itself has no clear meaning: masks of steps for attention along other axes.
    """
    named = tensor_arguments(site)
    coming = {name: f"%m{token[1:]}" for name, token in named.items() if site.masks[int(token[1:])]}
    parts = [f"{query_mask}[:, None, :, None]"] if query_mask else []
    snippets: list[str] = []
    for name in ("value", "key"):
        if mask := named.get(f"{name}_mask") or coming.get(name):
            parts.append(f"{mask}[:, None, None]")
    if site.arguments.get("use_causal_mask"):
        parts.append(f"causal_mask(%0, {named['value']})")
        snippets.append("causal_mask")
    if window:
        parts.append(f"window_mask(%0, {named['value']}, {window})")
        snippets.append("window_mask")
    if parts and (site.rank != 3 or axes != (1,)):
        raise UnknownLayerError(
            f"layer {quote(site.name)}: masks that come with the inputs, causal or sliding ones on an input of rank "
            f"{site.rank}; only an attention_mask is known there"
        )
    if given := named.get("attention_mask"):
        rank = len(site.inputs[int(given[1:])] or (0,) * 3)
        if rank == 4 and parts:
            raise UnknownLayerError(f"layer {quote(site.name)}: an attention_mask for each head beside other masks")
        parts.append(spread(site, f"{given}.bool()", rank, axes))
    return " & ".join(parts), tuple(snippets)


def spread(site: Site, mask: str, rank: int, axes: tuple[int, ...]) -> str:
    """An ``attention_mask`` with axes of length 1 for the heads and all else it leaves out, as Keras inserts them."""
    missing = site.rank + len(axes) - rank
    front = rank - 2 * len(axes)
    if missing < 0 or front < 0:
        raise UnknownLayerError(f"layer {quote(site.name)}: an attention_mask of rank {rank}")
    if len(axes) > 1:
        mask = f"{mask}.flatten({-2 * len(axes)}, {-len(axes) - 1}).flatten({-len(axes)})"
    if not missing or not front:
        return mask
    return f"{mask}[{', '.join([':'] * front + ['None'] * missing)}]"
