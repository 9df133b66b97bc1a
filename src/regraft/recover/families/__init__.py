"""Known families: published architectures, recognised by the shapes of their variables with names as support."""

from regraft.recover.families.kept import kept
from regraft.recover.families.recognition import match

__all__ = ["kept", "match"]
