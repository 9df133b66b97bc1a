"""``python -m regraft.samples [NAME ...]`` prints where the sample files lie, one a line."""

from __future__ import annotations

import sys

from regraft.samples import NAMES, path

for name in sys.argv[1:] or NAMES:
    print(path(name))
