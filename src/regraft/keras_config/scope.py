"""What one parse carries along: the version, the depth of nesting, and the notes it collects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from regraft.blueprint import Choice
from regraft.errors import quote
from regraft.keras_config.place import Place
from regraft.layers import KerasVersion

MOST_LAYERS = 100_000
DEEPEST_MODELS = 30


@dataclass
class Findings:
    """Grows during one parse; the blueprint of the whole model takes it in the end."""

    notes: list[str] = field(default_factory=list[str])
    unread: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    old_defaults: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    choices: list[Choice] = field(default_factory=list[Choice])
    layers: int = 0

    def note(self, text: str) -> None:
        """Add a note unless it stands there already."""
        if text not in self.notes:
            self.notes.append(text)

    def unread_setting(self, layer: str, class_name: str, key: str, value: object) -> None:
        """Remember a setting that nothing reads; equal ones of many layers become one note."""
        what = f"{quote(class_name)[1:-1]}: setting {quote(key)} = {quote(value)} is not used"
        self.unread.setdefault(what, []).append(layer)

    def old_default(self, layer: str, what: str) -> None:
        """Remember a setting that the file does not state and that later versions have another default for."""
        self.old_defaults.setdefault(what, []).append(layer)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, with one for each unread setting and each default of an old version."""
        unread = (f"{what} (layer {some(layers)})" for what, layers in self.unread.items())
        old = (f"{what} (layer {some(layers)})" for what, layers in self.old_defaults.items())
        return (*self.notes, *unread, *old)


def some(layers: list[str]) -> str:
    """The first of several layers."""
    return quote(layers[0]) + (f" and {len(layers) - 1} more" if len(layers) > 1 else "")


@dataclass(frozen=True)
class Scope:
    """
    One level of nesting.

    Attributes:
        version: Version whose semantics hold.
        version_text: The same as in the file.
        findings: Shared by all levels.
        data_format: For Keras 1 the one ``dim_ordering`` that the layers state, or empty if they disagree.
        depth: Number of models and wrappers around this one.
    """

    version: KerasVersion
    version_text: str
    findings: Findings
    data_format: str = ""
    depth: int = 0

    def deeper(self, place: Place) -> Scope:
        """
        The scope of a model or a layer inside a layer.

        Raises:
            ConfigError: Beyond 30 levels.
        """
        if self.depth >= DEEPEST_MODELS:
            raise place.error(f"models and wrappers nest deeper than {DEEPEST_MODELS} levels")
        return replace(self, depth=self.depth + 1)

    def count_layer(self, place: Place) -> None:
        """
        Count one more layer.

        Raises:
            ConfigError: Beyond 100,000 layers.
        """
        self.findings.layers += 1
        if self.findings.layers > MOST_LAYERS:
            raise place.error(f"the architecture has more than {MOST_LAYERS} layers")
