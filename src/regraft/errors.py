"""
Everything regraft raises on purpose.

    RegraftError
      FileError               the file cannot be read as Keras weights
        NotKerasError         the file is something else, and we know what
        UnsafeFileError       the file uses a construct that Keras never writes: links, external storage, bombs
      ConfigError             the architecture JSON cannot be understood
        NoArchitectureError   the file holds weights only, and no architecture was given
      UnknownLayerError       no entry in the layer catalogue
      BlueprintError          the architecture contradicts itself
      ShapeMismatchError      stored variables do not fit their layers (all mismatches at once)
      OutputError             the results cannot be written where the user wants them
      OracleError             the real Keras could not be run on this model
"""

from __future__ import annotations

LONGEST_QUOTE = 200


def quote(text: object) -> str:
    """``repr`` of text that came from a file: printable, and cut at 200 characters."""
    shown = ascii(text)
    return shown if len(shown) <= LONGEST_QUOTE else shown[:LONGEST_QUOTE] + "...'"


class RegraftError(Exception):
    """Base of every error that regraft raises on purpose; the command line turns it into exit code 2."""


class FileError(RegraftError):
    """
    The file cannot be read as Keras weights.

    Args:
        file: The file, as the user named it.
        reason: What is wrong, in one sentence.
        path: Where inside the file, for example ``/model_weights/conv1``; empty for the file as a whole.
        hint: What to do next; empty if there is nothing better than another copy of the file.
    """

    def __init__(self, file: object, reason: str, *, path: str = "", hint: str = "") -> None:
        self.file, self.reason, self.path, self.hint = str(file), reason, path, hint
        where = f"{self.file}:{quote(path)[1:-1]}" if path else self.file
        super().__init__(f"{where}: {reason}" + (f" {hint}" if hint else ""))


class NotKerasError(FileError):
    """The file is not a Keras weights file; ``kind`` says what it is, for example ``git-lfs pointer``."""

    def __init__(self, file: object, kind: str, reason: str, *, hint: str = "") -> None:
        self.kind = kind
        super().__init__(file, reason, hint=hint)


class UnsafeFileError(FileError):
    """The file holds something that could read, write or exhaust more than it should; it is refused, not skipped."""


class ConfigError(RegraftError):
    """The architecture JSON cannot be understood; the message names the place in the JSON."""


class NoArchitectureError(ConfigError):
    """The file holds weights only, and no architecture was given beside it."""


class UnknownLayerError(RegraftError):
    """
    A layer that cannot be converted, by its type or its settings; a placeholder is put in its place.

    Attributes:
        layers: Its name behind those of the models that it is in, where it was met while code was written; else empty.
    """

    layers: tuple[str, ...] = ()


class BlueprintError(RegraftError):
    """The architecture contradicts itself: an unknown layer name, a cycle, channel counts that do not meet."""


class ShapeMismatchError(RegraftError):
    """Stored variables do not fit their layers. The message lists every mismatch, one a line."""


class OutputError(RegraftError):
    """The results cannot be written: the target exists, or is no folder."""


class OracleError(RegraftError):
    """The real Keras could not be run on this model; the message says at which step."""
