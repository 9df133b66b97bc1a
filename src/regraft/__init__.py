"""regraft: a Keras weights file becomes a PyTorch model that you can read, load, train and trust."""

from __future__ import annotations

__version__ = "0.1.0"
