"""The library of published architectures: an index of shapes for the search, and the blueprints, read when one is found."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from regraft.blueprint import Blueprint, TensorRef
from regraft.recover.families.packed import unpack

DATA = Path(__file__).with_name("data")

#: Shapes of the variables of one layer, in stored order.
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Member:
    """
    One published architecture in the index.

    Attributes:
        package: Where it is published, with the version the library was made from.
        family: Its name there.
        variant: Which of its forms, in words; empty for the default.
        keys: One number for each layer with variables, in model order: its place in ``Index.keys``.
        body: How many of them lie in the part without the top; all of them if there is no top.
        free: Places of layers whose shapes depend on the input's channels.
        names: Their names, in the same order.
        place: File and line of its blueprint.
    """

    package: str
    family: str
    variant: str
    keys: tuple[int, ...]
    body: int
    free: frozenset[int]
    names: tuple[str, ...]
    place: tuple[str, int]

    @property
    def title(self) -> str:
        """As a person names it: ``MobileNet, alpha 0.5 (keras.applications 3.15)``."""
        return f"{self.family}{', ' if self.variant else ''}{self.variant} ({self.package})"


@dataclass(frozen=True)
class Index:
    """
    What the search needs.

    Attributes:
        members: All published architectures.
        keys: The shapes that layers have, each combination once.
        numbers: Where each combination stands in ``keys``.
    """

    members: tuple[Member, ...]
    keys: tuple[Shapes, ...]
    numbers: dict[Shapes, int]


@dataclass(frozen=True)
class Published:
    """
    One published architecture.

    Attributes:
        blueprint: With its top, at its published input size.
        cut: The tensor at which the part without the top ends; None if there is no such part.
        pads: Zero paddings that follow the parity of what enters them.
        preprocessing: What is done to an image before it enters, in plain words.
        inputs: Constraints on the input, in plain words.
    """

    blueprint: Blueprint
    cut: TensorRef | None
    pads: frozenset[str]
    preprocessing: str
    inputs: str


@cache
def index() -> Index:
    """The index of the library."""
    data = load("index.json.xz")
    keys = tuple(tuple(tuple(shape) for shape in shapes) for shapes in data["keys"])
    members = tuple(
        Member(
            item["package"],
            item["family"],
            item["variant"],
            tuple(item["keys"]),
            item["body"],
            frozenset(item["free"]),
            tuple(data["names"][number] for number in item["names"]),
            (item["file"], item["line"]),
        )
        for item in data["members"]
    )
    return Index(members, keys, {shapes: i for i, shapes in enumerate(keys)})


@cache
def published(member: Member) -> Published:
    """The blueprint of a member."""
    table, lines = package(member.place[0])
    value = json.loads(lines[member.place[1]])
    blueprint = unpack(value["blueprint"], table)
    cut = value["cut"]
    return Published(
        blueprint,
        None if cut is None else TensorRef(blueprint.layers[cut].name),
        frozenset(blueprint.layers[i].name for i in value["pads"]),
        value["preprocessing"],
        value["inputs"],
    )


@cache
def package(name: str) -> tuple[list[Any], list[bytes]]:
    """The table of layers of one package, and one line a blueprint."""
    head, *lines = lzma.decompress((DATA / name).read_bytes()).splitlines()
    return json.loads(head), lines


def load(name: str) -> Any:
    """One JSON file of the library."""
    return json.loads(lzma.decompress((DATA / name).read_bytes()))
