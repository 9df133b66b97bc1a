"""What a file does not state of its layers: activations, directions, epsilons, masks; conventions and statistics."""

from regraft.recover.settings.answers import answered
from regraft.recover.settings.ask import ask

__all__ = ["answered", "ask"]
