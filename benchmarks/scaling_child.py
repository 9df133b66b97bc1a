"""
What ``scaling`` runs in processes of their own: make a file, or recover an architecture and say what each stage took.

    python benchmarks/scaling_child.py make KIND LAYERS LEVEL FOLDER
    python benchmarks/scaling_child.py recover FILE SHAPE
    python benchmarks/scaling_child.py hostile CASE FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

#: Processor time after which a recovery is ended.
MOST_SECONDS = 200
#: Stage, and where the pipeline looks its function up.
STAGES = (
    ("grouping", "grouping", "group"),
    ("families", "families", "match"),
    ("wiring", "wiring", "wire"),
    ("geometry", "geometry", "fit"),
    ("settings", "settings", "ask"),
    ("ranking", "", "ranked"),
    ("rescoring", "", "rescored"),
)


def make(kind: str, layers: int, level: str, folder: Path) -> dict[str, object]:
    """Write a synthetic network; say its file, its layers and the shape of its input."""
    from benchmarks.scaling_networks import KINDS
    from benchmarks.stripping import LEVELS, strip, write_legacy

    original = KINDS[kind](layers)
    chosen = next(known for known in LEVELS if known == level)
    shape = original.blueprint.layers[0].config["batch_shape"]
    if chosen == "named":
        file = folder / "weights.h5"
        write_legacy(original.blueprint, original.binding, file)
    else:
        file = strip(original, chosen, folder)
    return {"file": str(file), "layers": len(original.blueprint.layers), "shape": shape[1:]}  # type: ignore[index]


def recovered(file: Path, shape: tuple[int, ...]) -> dict[str, object]:
    """Recover, and add up the seconds of processor time that each stage takes."""
    import regraft

    seconds = timed()
    start = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    try:
        tree = regraft.read(file)
        seconds["read"] = time.process_time() - start
        found = regraft.recover(tree, input_shapes=[shape] if shape else [])
    except regraft.RegraftError as error:
        return {"refused": f"{type(error).__name__}: {error}", "stages": seconds}
    seconds["all"] = time.process_time() - start
    return {"candidates": len(found), "layers": len(found[0].blueprint.layers), "stages": seconds}


def timed() -> dict[str, float]:
    """Put a clock around every stage; what one stage calls of another is counted once, where it is called."""
    from regraft.recover import recover as pipeline

    seconds: dict[str, float] = defaultdict(float)
    running: list[str] = []

    def watched(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if running:
                return function(*args, **named)
            running.append(stage)
            start = time.process_time()
            try:
                found = function(*args, **named)
                return ticking(stage, found) if hasattr(found, "__next__") else found
            finally:
                seconds[stage] += time.process_time() - start
                running.clear()

        return call

    def ticking(stage: str, items: Any) -> Any:
        while True:
            start = time.process_time()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                seconds[stage] += time.process_time() - start
            yield item

    for stage, module, name in STAGES:
        owner = getattr(pipeline, module, None) if module else pipeline
        function = getattr(owner, name, None)
        if function is not None:
            setattr(owner, name, watched(stage, function))
    return seconds


def main(command: str, *arguments: str) -> None:
    """Do one thing and print what came of it as the last line."""
    if command == "make":
        kind, layers, level, folder = arguments
        said = make(kind, int(layers), level, Path(folder))
    elif command == "recover":
        file, shape = arguments
        said = recovered(Path(file), tuple(int(n) for n in shape.split(",") if n))
    else:
        from benchmarks.scaling_hostile import CASES

        case, folder = arguments
        said = {"file": str(CASES[case](Path(folder)))}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
