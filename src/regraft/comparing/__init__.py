"""
A Keras model and a PyTorch module with weights of its own, on the same inputs: where they part, and why.

The Keras side is run as our own module, which can be changed in one place. A known mistake is put into it; if it then makes
the numbers that the user's module makes, the user's module makes that mistake.
"""

from __future__ import annotations

from regraft.comparing.models import compare_models
from regraft.comparing.run import compare

__all__ = ["compare", "compare_models"]
