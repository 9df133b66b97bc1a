"""A result that ``convert`` wrote, checked against a Keras model that the user names: the verify command as a pipeline."""

from __future__ import annotations

from regraft.verifying.api import verify
from regraft.verifying.run import verify_folder

__all__ = ["verify", "verify_folder"]
