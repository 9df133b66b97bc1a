"""
Build the documentation site and check it: ``python -m scripts.docs_site``, or ``scripts/docs`` with its environment.

    docs/ and the pages at the root → build/docs → build/site

Exits 1 with every problem found.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from scripts.docs_site.checking import problems
from scripts.docs_site.gathering import gather

SITE = ROOT / "build" / "site"


def main() -> int:
    """Gather, build, check."""
    pages = gather(ROOT, ROOT / "build" / "docs")
    shutil.rmtree(SITE, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if built.returncode:
        return 1
    found = problems(SITE)
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{len(pages)} pages in {SITE.relative_to(ROOT)}, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
