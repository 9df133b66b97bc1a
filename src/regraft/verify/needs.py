"""What each input of a model must look like: integers for an embedding, masked steps where a mask is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regraft.blueprint import Blueprint, LayerSpec, TensorRef, all_refs
from regraft.verify.steps import inner_model

#: Layers that pass the numbers of their input on, wherever they put them.
PASSING = frozenset(
    "Reshape Flatten Permute RepeatVector Identity Activation Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D "
    "Concatenate GaussianNoise GaussianDropout AlphaDropout ActivityRegularization Cropping1D Cropping2D Cropping3D "
    "ZeroPadding1D ZeroPadding2D ZeroPadding3D Masking".split()
)
#: Layers that look their input up, and the setting that says how many entries there are.
COUNTS = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens"}
INTEGERS = ("int", "uint")


@dataclass(frozen=True)
class Need:
    """
    What one input must look like.

    Attributes:
        kind: ``normal`` numbers, ``image`` numbers from 0 to 255, ``integer`` below ``count``, or ``boolean``.
        count: Number of allowed integers.
        mask: The value that masks a step, or None.
        whole_steps: True if a step is masked when all its features have that value (``Masking``).
    """

    kind: str = "normal"
    count: int = 0
    mask: float | None = None
    whole_steps: bool = False

    def __str__(self) -> str:
        words = {
            "normal": "normal numbers",
            "image": "numbers from 0 to 255",
            "integer": f"integers below {self.count}",
        }
        masked = f", steps masked by {self.mask:g}" if self.mask is not None else ""
        return words.get(self.kind, "booleans") + masked


def needs(blueprint: Blueprint) -> tuple[Need, ...]:
    """What every input of the model must look like, in order."""
    found: list[Need] = []
    for ref in blueprint.inputs:
        dtype = str(blueprint.by_name[ref.layer].config.get("dtype") or "float32")
        specs = list(readers(blueprint, ref))
        counts = [n for s in specs if isinstance(n := s.config.get(COUNTS.get(s.type, "")), int)]
        mask, whole = mask_of(specs)
        if counts:
            found.append(Need("integer", min(counts), mask, whole))
        elif dtype == "bool":
            found.append(Need("boolean"))
        elif dtype.startswith(INTEGERS):
            found.append(Need("integer", 256 if dtype == "uint8" else 10, mask, whole))
        else:
            found.append(Need("image" if any(shrinks(s) for s in specs) else "normal", 0, mask, whole))
    return tuple(found)


def readers(blueprint: Blueprint, ref: TensorRef) -> Iterator[LayerSpec]:
    """Every layer that sees the numbers of a tensor unchanged, inside nested models and wrappers too."""
    seen: set[TensorRef] = set()
    todo = [ref]
    while todo:
        ref = todo.pop()
        if ref in seen:
            continue
        seen.add(ref)
        for call in blueprint.consumers.get(ref, ()):
            spec = blueprint.by_name[call.layer]
            inner = inner_model(spec)
            if inner is not None and ref in all_refs(call):
                place = all_refs(call).index(ref)
                if place < len(inner.inputs):
                    yield from readers(inner, inner.inputs[place])
            yield spec
            for value in spec.config.values():
                if isinstance(value, LayerSpec):
                    yield value
            if spec.type in PASSING and not spec.unknown:
                todo.append(TensorRef(call.layer, call.call))


def mask_of(specs: list[LayerSpec]) -> tuple[float | None, bool]:
    """The value that masks, and whether it must fill a whole step."""
    for spec in specs:
        value = spec.config.get("mask_value")
        if spec.type == "Masking" and isinstance(value, int | float):
            return float(value), True
        if spec.type == "Embedding" and spec.config.get("mask_zero"):
            return 0.0, False
    return None, False


def shrinks(spec: LayerSpec) -> bool:
    """Whether a layer expects the numbers of an 8-bit image: it scales by something like 1/255."""
    scale = spec.config.get("scale")
    return spec.type == "Rescaling" and isinstance(scale, int | float) and 0 < abs(scale) < 0.1
