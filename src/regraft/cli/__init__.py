"""
The command line.

Exit codes: 0 done and checked, 1 a check failed, 2 the input cannot be used, 3 done and something remains open.
What is slow to import is imported inside the commands: ``inspect`` needs numpy and h5py, and only a check needs torch.
"""

from __future__ import annotations

from regraft.cli.main import main

__all__ = ["main"]
