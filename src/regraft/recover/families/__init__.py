"""Known families: published architectures, recognised by the shapes of their variables with names as support."""

from regraft.recover.families.own_part import OwnPart, own_part
from regraft.recover.families.recognition import match

__all__ = ["OwnPart", "match", "own_part"]
