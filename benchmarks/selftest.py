"""
What the self-test of an emitted model finds, and how far it is from false alarms.

    python benchmarks/selftest.py FILE.keras [FILE.h5 ...]

Each file is converted; then its ``model.py`` is changed in one place, or one element of one of its weights, and the
self-test runs. Kinds of changes: an element of a weight, by the root mean square of its tensor or by a hundredth of its
own value; an epsilon times ten; a padding that moves or reflects; another activation, or none at its limit; another
pooling; a sum that is a difference. What is not found is listed: a line that the model does not run changes nothing.
The unchanged model runs with one thread and two, and with and without oneDNN: its largest differences are printed.
"""

from __future__ import annotations

import re
import sys
import tempfile
import types
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from regraft.convert import convert
from regraft.errors import RegraftError

#: So many places of a kind, and so many weights, are changed in each file, spread evenly over it.
PLACES, WEIGHTS = 12, 40
SOURCE: dict[str, tuple[tuple[str, str], ...]] = {
    "epsilon x 10": ((r"eps=([0-9.e-]+)", r"eps=10 * \1"),),
    "padding moved": ((r"F\.pad\((\w+), \(0, 1, 0, 1\)", r"F.pad(\1, (1, 0, 1, 0)"),),
    "padding reflects": (
        (r"(nn\.Conv2d\([^()]*(?:\([^()]*\)[^()]*)*)padding=", r'\1padding_mode="reflect", padding='),
    ),
    "activation": (
        (r"F\.relu\(", "F.gelu("),
        (r"F\.relu6\(", "F.silu("),
        (r"F\.silu\(", "F.gelu("),
        (r"F\.gelu\(", "F.silu("),
        (r"F\.elu\(", "F.selu("),
        (r"torch\.tanh\b", "torch.sigmoid"),
        (r"F\.sigmoid\(|torch\.sigmoid\(", "F.hardsigmoid("),
        (r"F\.softmax\(", "F.log_softmax("),
    ),
    "limit of an activation": ((r"F\.relu6\(", "F.relu("),),
    "pooling": ((r"nn\.MaxPool2d", "nn.AvgPool2d"), (r"(nn\.AvgPool2d\([^()]*)\)", r"\1, count_include_pad=False)")),
    "sum": ((r"(\w+) \+= (\w+)(?=\s)", r"\1 -= \2"), (r" = (\w+) \+ (\w+)(?=\s)", r" = \1 - \2")),
}


def main(files: list[str]) -> None:
    """Measure and print."""
    found: dict[str, list[bool]] = defaultdict(list)
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            try:
                conversion = convert(file, folder, force=True, verify=False, selftest=True)
            except RegraftError as error:
                print(f"{file}: not converted: {str(error)[:100]}")
                continue
            out = conversion.folder
            if not (out / "selftest.npz").exists():
                print(f"{file}: {conversion.report.notes[-1]}")
                continue
            source, state = (out / "model.py").read_text(), torch.load(out / "model.pth", weights_only=True)
            size = (out / "selftest.npz").stat().st_size
            print(f"{file}: {size} bytes; {steadiness(out, source, state)}")
            for kind, where, changed, weights in changes(source, state):
                answer = run(out, changed, weights)
                found[kind].append("as recorded" not in answer)
                if not found[kind][-1]:
                    print(f"  not found: {kind}, {where}")
    for kind, results in found.items():
        print(f"{kind:24} {sum(results):5} of {len(results):5} found ({sum(results) / len(results):.1%})")


def run(folder: Path, source: str, state: Mapping[str, Any]) -> str:
    """What the self-test says of this text with these weights."""
    space = types.ModuleType("emitted")
    space.__dict__["__file__"] = str(folder / "model.py")
    exec(compile(source, "model.py", "exec"), space.__dict__)  # noqa: S102 - our own output
    said = StringIO()
    try:
        with mock.patch.object(torch, "load", return_value=state), redirect_stdout(said):
            space.__dict__["selftest"]()
    except SystemExit as stop:
        return str(stop)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        return f"raised {error}"
    return said.getvalue()


def changes(source: str, state: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Kind, place, changed text, changed weights."""
    body, end = source.split("\ndef digests(")
    for kind, patterns in SOURCE.items():
        for pattern, new in patterns:
            matches = list(re.finditer(pattern, body))
            for match in matches[:: -(-len(matches) // PLACES) or 1]:
                text = body[: match.start()] + match.expand(new) + body[match.end() :] + "\ndef digests(" + end
                line = body[: match.start()].count("\n") + 1
                if text != source:
                    yield kind, f"line {line}: {body.splitlines()[line - 1].strip()[:100]}", text, state
    generator = torch.Generator().manual_seed(0)
    for name, tensor in list(state.items())[:: -(-len(state) // WEIGHTS)]:
        if tensor.is_floating_point() and tensor.numel():
            place = int(torch.randint(tensor.numel(), (1,), generator=generator))
            value = float(tensor.flatten()[place])
            for kind, by in (
                ("weight, by its rms", float(tensor.square().mean() ** 0.5)),
                ("weight, by 1 %", value / 100),
            ):
                if by:
                    changed = tensor.clone()
                    changed.view(-1)[place] += by
                    yield kind, f"{name} [{place}] {value:.3g} by {by:.3g}", source, {**state, name: changed}


def steadiness(folder: Path, source: str, state: Mapping[str, Any]) -> str:
    """How the unchanged model does under other threads and kernels."""
    answers = {}
    for threads in (1, 2):
        for onednn in (True, False):
            torch.set_num_threads(threads)
            with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=onednn):
                said = run(folder, source, state)
            seen = re.search(r"largest difference (\S+)", said)
            answers[f"{threads} thread{'s' * (threads > 1)}{'' if onednn else ' without oneDNN'}"] = (
                seen[1] if seen else said
            )
    return ", ".join(f"{how}: {what}" for how, what in answers.items())


if __name__ == "__main__":
    main(sys.argv[1:])
