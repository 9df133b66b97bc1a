"""
The process that holds the real Keras: ``python -m regraft.verify.oracle_worker``, started by ``oracle.Oracle``.

Reads one request a line (JSON) and answers one line: ``build``, ``load``, ``set``, ``run``, and those of ``Worker.answer``. Ends
with its input.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regraft.verify.allowed import objections, with_dtype
from regraft.verify.oracle_custom import objects_of
from regraft.verify.oracle_graph import Capture
from regraft.verify.oracle_graph_run import run_graph
from regraft.verify.oracle_library import Library, library
from regraft.verify.oracle_origin import from_function, from_saved_model
from regraft.verify.oracle_run import NARROW, WIDE, Run
from regraft.verify.oracle_weights import copy_weights, differing, finish, matched, reset, set_arrays, unlike


@dataclass
class Worker:
    """The model in hand, in both dtypes."""

    keras: Library | None = None
    models: dict[str, Any] = field(default_factory=dict)
    captures: dict[str, Capture] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    streaming: Run | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one request."""
        names = ("build", "open", "load", "set", "run", "rehearse", "stream", "next", "custom")
        steps = {name: getattr(self, name) for name in names}
        steps |= {"function": from_function, "saved_model": from_saved_model, "graph": run_graph}
        return steps[request["do"]](request)

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Open a ``.keras`` file that we wrote, and build its copy in double precision from our arrays."""
        self.models, self.captures = {}, {}
        self.keras = library("keras")
        self.keras.clear()
        with zipfile.ZipFile(request["file"]) as archive:
            config = json.loads(archive.read("config.json"))
        objects = self.objects if request.get("custom") else {}
        if wrong := objections(config, frozenset(objects)):
            raise ValueError(f"the file names what must not reach Keras: {', '.join(wrong)}")
        path = Path(request["variables"])
        entries = json.loads(path.read_text(encoding="utf-8"))
        with self.keras.knowing(objects):
            with self.keras.precision(NARROW):
                self.models[NARROW] = self.keras.module.models.load_model(request["file"], compile=False)
            with self.keras.precision(WIDE):
                self.models[WIDE] = self.keras.from_json(json.dumps(with_dtype(config, WIDE)))
                shape = self.models[NARROW].input_shape
                if not self.models[WIDE].built:
                    self.models[WIDE].build(shape)
        set_arrays(matched(self.models[WIDE], entries), path.parent)
        wrong = unlike(matched(self.models[NARROW], entries), path.parent)
        finish(*self.models.values())
        self.captures = {dtype: Capture(self.keras.module, model) for dtype, model in self.models.items()}
        return {"oracle": self.keras.description, "count": len(entries), "mismatches": wrong}

    def custom(self, request: dict[str, Any]) -> dict[str, Any]:
        """Import the user's file for one library, and say which names it gives."""
        keras = library(request["library"])
        self.objects = objects_of(request["file"], keras.module, keras.name)
        return {"names": sorted(self.objects)}

    def build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build the model from its JSON, in float64 and float32."""
        self.models, self.captures = {}, {}
        self.keras = library(request["library"])
        self.keras.clear()
        config = json.loads(Path(request["config"]).read_text(encoding="utf-8"))
        objects = self.objects if request.get("custom") else {}
        if wrong := objections(config, frozenset(objects)):
            raise ValueError(f"the configuration names what must not reach Keras: {', '.join(wrong)}")
        for dtype in (WIDE, NARROW):
            with self.keras.precision(dtype), self.keras.knowing(objects):
                model = self.keras.from_json(json.dumps(with_dtype(config, dtype)))
                if not model.built or not getattr(model, "inputs", None):
                    shapes = [tuple(shape) for shape in request["shapes"]]
                    model.build(shapes[0] if len(shapes) == 1 else shapes)
                if request.get("standalone"):
                    repeat_masked_steps(model)
                self.models[dtype] = model
                self.captures[dtype] = Capture(self.keras.module, model)
        return {"oracle": self.keras.description}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Let Keras load the file; say where our reading differs."""
        wide, narrow = self.models[WIDE], self.models[NARROW]
        try:
            wide.load_weights(request["file"])
        except Exception:
            narrow.load_weights(request["file"])
            copy_weights(narrow, wide)
        else:
            copy_weights(wide, narrow)
        entries = json.loads(Path(request["variables"]).read_text(encoding="utf-8"))
        finish(wide, narrow)
        return {"count": len(entries), "mismatches": differing(wide, entries)}

    def set(self, request: dict[str, Any]) -> dict[str, Any]:
        """Fill the model from our arrays."""
        path = Path(request["variables"])
        entries = json.loads(path.read_text(encoding="utf-8"))
        for model in self.models.values():
            set_arrays(matched(model, entries), path.parent)
        finish(*self.models.values())
        return {}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the model in one dtype and write every tensor; in double precision also how far single precision is off."""
        return self.guarded(request, lambda run: run.whole())

    def rehearse(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the model in one dtype, holding little, and write nothing: whether it takes these inputs."""
        return self.guarded(request, lambda run: run.rehearsal())

    def stream(self, request: dict[str, Any]) -> dict[str, Any]:
        """Begin a run in one dtype, of which ``next`` makes the tensors."""
        self.streaming = self.run_of(request)
        return {}

    def next(self, _: dict[str, Any]) -> dict[str, Any]:
        """Make one more tensor of the run that was begun, and write it."""
        assert self.streaming is not None
        return self.streaming.next()

    def run_of(self, request: dict[str, Any]) -> Run:
        """A run that is asked for."""
        assert self.keras is not None
        for model in self.models.values():
            reset(model)
        return Run(self.keras, self.captures, Path(request["folder"]), request["inputs"], request["dtype"])

    def guarded(self, request: dict[str, Any], step: Callable[[Run], dict[str, Any]]) -> dict[str, Any]:
        """A run; where TensorFlow lacks an operation in double precision, that is a note and no error."""
        try:
            return step(self.run_of(request))
        except Exception as error:
            if request["dtype"] == NARROW:
                raise
            return {"note": f"Keras could not run this model in {WIDE}: {shortened(error)}"}


def repeat_masked_steps(model: Any) -> None:
    """
    Let every Bidirectional of a tf-keras model repeat its output at masked steps.

    tf-keras makes them zero; the stand-alone Keras up to 2.3.1 did not (``keras/backend/tensorflow_backend.py``, ``rnn``).
    """
    for layer in model._flatten_layers():  # model.submodules fails where a recurrent layer has dropout
        if type(layer).__name__ == "Bidirectional":
            layer.forward_layer.zero_output_for_mask = False
            layer.backward_layer.zero_output_for_mask = False


def shortened(error: BaseException) -> str:
    """An error in one line; TensorFlow's messages run over many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:600]}"


def main() -> None:
    """Serve until the input ends. What libraries print goes to the log, not between the answers."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:
            answer = {"error": shortened(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
