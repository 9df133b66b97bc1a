"""``python -m regraft`` is ``regraft``."""

from __future__ import annotations

import sys

from regraft.cli import main

sys.exit(main())
