"""
What other tools make of Keras files, beside regraft: the measured cells of docs/peers.md.

    python benchmarks/peers.py [--json OUT] [--only TOOL]

Every tool runs in a process of its own, on the digit classifier that ships with regraft and on three small models with random
weights. The number is the largest difference from what Keras on TensorFlow computes for the same four inputs, relative to the
largest output. weightbridge, which fills a module, gets one with the right settings in every case (``peers_modules.py``), and
so does ``regraft graft``.

An environment with everything, on Python 3.11 (torchvision is needed by onnx2torch; it must not bring another torch):

    python -m venv .venv-peers
    .venv-peers/bin/pip install -c constraints.txt -e '.[oracle]'
    .venv-peers/bin/pip install -c benchmarks/peers-constraints.txt sympy pillow frozendict requests
    .venv-peers/bin/pip install -c benchmarks/peers-constraints.txt --no-deps \
        weightbridge einx torchvision onnx onnx2torch tf2onnx
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CASES = ("digits", "recurrent", "attention", "gelu")
FORMS = ("h5", "keras", "weights.h5")
SEED = 5


def make(folder: Path) -> None:
    """Write every case in every form, with inputs and the outputs of Keras on TensorFlow."""
    import keras
    from keras import layers

    from regraft import samples

    keras.utils.set_random_seed(SEED)
    steps, features, sound = keras.Input((7, 8)), keras.Input((6,)), keras.Input((7, 5))
    seen = layers.Add()([steps, layers.MultiHeadAttention(2, 4, name="look")(steps, steps)])
    models = {
        "digits": keras.models.load_model(samples.path("digits.keras"), compile=False),
        "recurrent": keras.Model(sound, layers.GRU(4)(layers.LSTM(6, return_sequences=True)(sound))),
        "attention": keras.Model(steps, layers.Dense(3)(layers.LayerNormalization()(seen))),
        "gelu": keras.Model(features, layers.Dense(3)(layers.Dense(9, activation="gelu")(features))),
    }
    for name, model in models.items():
        x = np.random.default_rng(SEED).normal(size=(4, *model.input_shape[1:])).astype(np.float32)
        np.savez(folder / f"{name}.npz", x=x, y=np.asarray(model(x, training=False)))
        model.save(folder / f"{name}.h5")
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")


def keras_on_torch(file: Path, x: np.ndarray, case: str) -> tuple[np.ndarray, str]:
    """Keras itself, on its torch backend."""
    import keras
    import torch

    model = keras.models.load_model(file, compile=False)
    with torch.no_grad():
        y = model(torch.from_numpy(x), training=False).numpy()
    return y, f"state dict {next(iter(model.state_dict()))!r}"


def onnx(file: Path, x: np.ndarray, case: str) -> tuple[np.ndarray, str]:
    """tf2onnx, then onnx2torch."""
    import keras
    import tensorflow
    import tf2onnx
    import torch

    model = keras.models.load_model(file, compile=False)
    form = tensorflow.TensorSpec([None, *x.shape[1:]], tensorflow.float32, name="x")
    proto, _ = tf2onnx.convert.from_keras(model, input_signature=[form], opset=17)
    # The torchvision of the package index belongs to a CUDA torch; of it, onnx2torch needs the import alone.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import onnx2torch

    module = onnx2torch.convert(proto).eval()
    trained = sum(p.numel() for p in module.parameters())
    with torch.no_grad():
        y = module(torch.from_numpy(x)).numpy()
    norms = sum("BatchNorm" in type(m).__name__ for m in module.modules())
    name = next(iter(module.state_dict()))
    return y, f"{trained} of {model.count_params()} numbers are parameters, {norms} BatchNorms, state dict {name!r}"


def weightbridge(file: Path, x: np.ndarray, case: str) -> tuple[np.ndarray, str]:
    """weightbridge, onto a module with the right settings."""
    import torch
    import weightbridge
    from benchmarks.peers_modules import MODULES

    from regraft import read

    if file.name.endswith(".weights.h5"):
        stored = {variable.path.strip("/"): variable.read() for variable in read(file).variables()}
    else:  # the names that Keras gives its variables say more than the paths in the file
        import keras

        stored = {
            v.path: np.asarray(v) for v in keras.models.load_model(file, compile=False).weights if "seed" not in v.path
        }
    module = MODULES[case]().eval()
    wanted = {name: value.numpy() for name, value in module.state_dict().items() if "num_batches" not in name}
    new = weightbridge.adapt(
        stored, wanted, in_format="tensorflow", out_format="pytorch", in_separator="/", out_separator=".", verbose=False
    )
    module.load_state_dict({name: torch.tensor(np.asarray(value)) for name, value in new.items()}, strict=False)
    return run(module, x), "no word of a difference"


def graft(file: Path, x: np.ndarray, case: str) -> tuple[np.ndarray, str]:
    """regraft, onto the same module."""
    import torch
    from benchmarks.peers_modules import MODULES

    import regraft

    module = MODULES[case]().eval()
    result = regraft.graft(file, module, torch.from_numpy(channels_first(x)))
    if result.problems:
        raise RuntimeError("; ".join(result.problems))
    return run(module, x), f"equal: {result.equal}, architecture stated: {result.stated}"


def convert(file: Path, x: np.ndarray, case: str) -> tuple[np.ndarray, str]:
    """regraft, from the file alone; for weights alone with the four known outputs as pairs."""
    import importlib.util

    import torch

    out = file.parent / f"{file.name}_torch"
    pairs = file.with_name(f"{case}.npz")
    options = []
    if file.name.endswith(".weights.h5"):
        with np.load(pairs) as known:
            for name in "xy":
                np.save(file.parent / f"{name}.npy", known[name])
        options = ["--pairs", str(file.parent / "x.npy"), str(file.parent / "y.npy")]
    code = "import sys; from regraft.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "convert", str(file), "-o", str(out), "--quiet", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise RuntimeError(done.stderr)
    spec = importlib.util.spec_from_file_location("model", out / "model.py")
    assert spec is not None
    assert spec.loader is not None
    emitted = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(emitted)
    module = emitted.Model()
    module.load_state_dict(torch.load(out / "model.pth", weights_only=True))
    return run(module.eval(), x), f"exit code {done.returncode}"


def channels_first(x: np.ndarray) -> np.ndarray:
    """(batch, h, w, c) as (batch, c, h, w); anything else as it is."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def run(module: Any, x: np.ndarray) -> np.ndarray:
    """What a module says."""
    import torch

    with torch.no_grad():
        return module(torch.from_numpy(channels_first(x))).numpy()


TOOLS: dict[str, Callable[[Path, np.ndarray, str], tuple[np.ndarray, str]]] = {
    "keras-torch": keras_on_torch,
    "tf2onnx-onnx2torch": onnx,
    "weightbridge": weightbridge,
    "regraft-convert": convert,
    "regraft-graft": graft,
}


def one(tool: str, file: Path, case: str) -> None:
    """One cell, as a line of JSON."""
    with np.load(file.with_name(f"{case}.npz")) as known:
        x, y = known["x"], known["y"]
    try:
        found, said = TOOLS[tool](file, x, case)
        print(json.dumps({"error": float(np.abs(found - y).max() / np.abs(y).max()), "said": said}))
    except Exception as error:
        text = " ".join(str(error).split())
        print(json.dumps({"error": None, "said": f"{type(error).__name__}: {text[:160]}"}))


def child(arguments: list[str], backend: str = "tensorflow") -> str:
    """Run this file in a process of its own."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([root, f"{root}/src", os.environ.get("PYTHONPATH", "")])
    quiet = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": paths}
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | quiet, check=False)
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else json.dumps({"error": None, "said": done.stderr[-300:]})


def main() -> None:
    """Every tool on every file."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the table there too")
    parser.add_argument("--only", choices=TOOLS, help="one tool")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        return make(options.make)
    if options.one:
        return one(options.one[0], Path(options.one[1]), options.one[2])
    versions = {
        name: importlib.metadata.version(name)
        for name in ("keras", "tensorflow-cpu", "torch", "tf2onnx", "onnx2torch", "weightbridge", "onnx")
    }
    print(versions)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        child(["--make", folder])
        for tool in [options.only] if options.only else TOOLS:
            for case in CASES:
                for form in FORMS:
                    answer = child(
                        ["--one", tool, f"{folder}/{case}.{form}", case],
                        "torch" if tool == "keras-torch" else "tensorflow",
                    )
                    rows.append({"tool": tool, "file": f"{case}.{form}", **json.loads(answer)})
                    row = rows[-1]
                    shown = "failed" if row["error"] is None else f"{row['error']:.1e}"
                    print(f"{tool:<20} {row['file']:<22} {shown:>8}  {row['said']}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "rows": rows}, indent=1), encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
