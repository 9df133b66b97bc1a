"""What grouping makes of a file: the layers it holds, each with its variables, its type and how sure the type is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.blueprint import Label, Setting
from regraft.weights import Group, WeightTree


@dataclass(frozen=True)
class Part:
    """
    One layer, as far as the file tells.

    Attributes:
        group: Its group in the tree of the ``Grouping``.
        type: Type in the catalogue (``Conv2D``); empty for a layer without variables whose name says nothing.
        settings: Settings that shapes or names fix, complete enough to build the layer with defaults for all others:
            ``{"filters": 32, "kernel_size": (3, 3), "use_bias": True}``.
        label: How sure the type is: ``proved`` by a class name in the file or by shapes nothing else can have,
            ``supported`` by values, ``assumed`` by convention.
        evidence: Why, in words.
        others: Other types that the facts allow, likeliest first.
        counter: The number in a default name (``conv2d_3``), which counts layers of a class in the order in which they
            were made; None where the author chose the name or there is none.
    """

    group: Group
    type: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    label: Label = "assumed"
    evidence: str = ""
    others: tuple[str, ...] = ()
    counter: int | None = None
    inner: Grouping | None = None

    @property
    def name(self) -> str:
        """The name the layer bears in the blueprint: its own where the file has it, else the key of its group."""
        return self.group.name or self.group.key


@dataclass(frozen=True)
class Grouping:
    """
    One way to see a file as layers.

    Attributes:
        tree: The file with one group a layer, keyed by layer name, so that ``bind`` finds the variables. For a file
            without layers (a list of arrays) it is made here; the arrays keep their paths.
        parts: One a group of ``tree.layers`` that is a layer, in the order of the file.
        cost: Minus the logarithm of how likely this way is against the best one, in nats; 0 for the best.
        ordered: Whether ``parts`` stand in the order of ``model.layers``, in which a layer comes after its inputs.
        complete: Whether layers without variables (activations, pools, sums) are among the parts. If not, any
            number of them may stand anywhere.
        notes: What a person should know.
    """

    tree: WeightTree
    parts: tuple[Part, ...]
    cost: float = 0.0
    ordered: bool = True
    complete: bool = True
    notes: tuple[str, ...] = ()
