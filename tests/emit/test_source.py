"""Long statements: broken as ruff breaks them, and still the same expression."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from regraft.emit.source import wrapped

NAMES = [f"a_tensor_with_a_rather_long_name_{i}" for i in range(4)]
SUM = " + ".join(NAMES)
LONG = [
    f"x = ({SUM}) / 4",
    f"x = ({NAMES[0]}({NAMES[1]}, {NAMES[2]})[0] + {NAMES[3]}({NAMES[1]}, ({NAMES[2]}, {NAMES[3]}))[0].flip(1)) / 2",
    f"x = self.{NAMES[0]}({', '.join(NAMES[1:])}, {NAMES[0]})",
    f"x = F.relu(self.{NAMES[0]}({NAMES[1]})({', '.join(NAMES[1:])}))",
]


@pytest.mark.parametrize("code", LONG)
def test_a_broken_statement_says_the_same(code: str) -> None:
    lines = wrapped(code, "    ", "(batch, 3)")
    assert len(lines) > 1
    broken = "\n".join(line.removeprefix("    ") for line in lines)
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(code))


@pytest.mark.parametrize("code", [LONG[0], *LONG[2:]])  # ruff breaks a chain of calls earlier in the chain
def test_a_broken_statement_is_as_ruff_would_have_it(code: str, tmp_path: Path) -> None:
    file = tmp_path / "statement.py"
    file.write_text("def forward(self):\n" + "\n".join(wrapped(code, "    ", "")) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", "--line-length", "120", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
