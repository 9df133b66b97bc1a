"""
Run the blocks of a page in order, in one folder, as a reader would.

    python -m tests.docs.running docs/tutorials/weights-only.md [FOLDER]    shows what differs

- ``console``: commands after ``$ ``, each with what it prints; for ``regraft`` that includes errors.
- ``sh``: commands alone; all have to succeed.
- ``python``: runs in one session a page; the ``text`` block that follows at once is what it prints.
- A block with a file's name as its title holds that file: it is written where there is none, else it is compared with it.
- A block whose title begins with ``not run`` is passed over; ``test_pages.py`` lists them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import NOT_RUN, Block, Turn, blocks, turns
from tests.docs.matching import difference

ROOT = Path(__file__).parents[2]
SESSION = """
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            exec(compile(json.loads(line), "block", "exec"), names)
        except BaseException:
            print(traceback.format_exc())
    print(json.dumps(printed.getvalue()), flush=True)
"""


class PageRun:
    """One page in one folder; ``problems`` holds what was not as the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self.session: subprocess.Popen[str] | None = None
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        quiet = {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "CUDA_VISIBLE_DEVICES": "-1",
            "COLUMNS": "80",
        }
        self.environment = os.environ | quiet | {"PATH": os.pathsep.join(path), "PYTHONPATH": str(ROOT / "src")}

    def run(self, page: Path) -> list[str]:
        """Run every block, and return the problems."""
        of_page = blocks(page)
        for block, following in zip(of_page, [*of_page[1:], None], strict=True):
            try:
                self.run_block(block, following)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                self.problems.append(f"{block}: {error}")
        if self.session:
            self.session.communicate()
        return self.problems

    def run_block(self, block: Block, following: Block | None) -> None:
        """Run one block."""
        if block.title.startswith(NOT_RUN):
            return
        if block.title:
            self.file(block)
        elif block.language == "console":
            for turn in turns(block.text):
                self.command(block, turn)
        elif block.language == "sh":
            done = self.shell(f"set -e\n{block.text}")
            self.expect(block, done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        elif block.language == "python":
            is_output = following is not None and following.language == "text" and not following.title
            wrong = difference(following.text if following and is_output else "", self.python(block.text))
            self.expect(block, not wrong, wrong)

    def file(self, block: Block) -> None:
        """Write a file, or compare it with the one that is there."""
        file = self.folder / block.title
        if file.exists():
            wrong = difference(block.text, file.read_text(encoding="utf-8"))
            self.expect(block, not wrong, f"{block.title}: {wrong}")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")

    def command(self, block: Block, turn: Turn) -> None:
        """Run a command, and compare what it prints and how it ends."""
        done = self.shell(turn.command)
        printed = done.stdout + (done.stderr if turn.command.startswith("regraft") else "")
        wrong = difference(turn.expected, printed)
        self.expect(block, not wrong, f"$ {turn.command}\n{wrong}")
        ended = f"$ {turn.command}\nexit code {done.returncode}, not {turn.exit_code}\n{done.stdout}{done.stderr}"
        self.expect(block, done.returncode == turn.exit_code, ended)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as bash does."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip

    def python(self, source: str) -> str:
        """Run Python in the session of the page, and return what it prints, a traceback included."""
        if self.session is None:
            self.session = subprocess.Popen(
                [sys.executable, "-c", SESSION],
                cwd=self.folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self.session.stdin
        assert self.session.stdout
        self.session.stdin.write(json.dumps(source) + "\n")
        self.session.stdin.flush()
        answer = self.session.stdout.readline()
        return json.loads(answer) if answer else "the session ended"

    def expect(self, block: Block, right: bool, problem: str) -> None:
        """Note a problem, unless it is right."""
        if not right:
            self.problems.append(f"{block}: {problem}")


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    found = PageRun(folder).run(Path(sys.argv[1]))
    print("\n\n".join(found) or "Everything is as the page says.")
    sys.exit(bool(found))
