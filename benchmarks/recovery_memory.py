"""Peak memory of a process since a point in time."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def memory_restarted() -> float:
    """Forget the peak so far, where the system can; memory in use now, in MB."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return memory_peak()
    return memory_peak()


def memory_peak() -> float:
    """Peak resident memory of this process in MB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
