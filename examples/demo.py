"""
Rebuild a digit classifier from its weights alone, and try the PyTorch model on 16 images beside the original.

    python examples/demo.py [-o OUT] [options of regraft convert]

The sample was trained with Keras and saved as weights only: its architecture is not in the file. regraft recovers it from
the weights, four known predictions and one thing that its author remembers (pools of 2 by 1, which are rare), and writes
PyTorch code, weights and the missing Keras architecture. Then the same model is converted from a file that does hold the
architecture. Both are loaded as any user would load them: ``model.py`` needs torch alone, ``model.pth`` is a plain state
dict. What Keras answers was recorded when the sample was trained; where Keras is installed, it is asked again.
Exits 1 if PyTorch and Keras see a different digit in any image.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from einops import rearrange

from regraft import samples

CHECKOUT = Path(__file__).resolve().parents[1]
RUN = "import sys; from regraft.cli import main; sys.exit(main())"
"""What the command ``regraft`` runs, also where it is not on the PATH."""
KNOWN = 4
"""Images whose predictions are known, as from a log of the original model; the other 12 are new to regraft."""
REMEMBERED = "max_pooling2d.pool_size=2,1"
ASK = """
import json, keras, numpy as np
from regraft import samples
images = np.load(samples.path("digits_images.npz"))["images"]
model = keras.models.load_model(samples.path("digits.keras"), compile=False)
print(json.dumps(np.asarray(model(images, training=False)).tolist()))
"""


def convert(source: Path, out: Path, options: list[str]) -> None:
    """Run ``regraft convert`` as a user would, and end with its exit code if it gives no model."""
    command = ["regraft", "convert", str(source), "-o", str(out), "--force", *options]
    print(f"$ {' '.join(command)}\n", flush=True)
    code = subprocess.run([sys.executable, "-c", RUN, *command[1:]], check=False).returncode
    if code not in (0, 3):  # 3: done, and choices remain open
        sys.exit(code)


def list_files(out: Path) -> None:
    """Say where the emitted files lie, and how large they are."""
    print(f"\nFiles in {out}")
    for file in sorted(out.iterdir()):
        print(f"  {file.name:<20} {file.stat().st_size / 1000:>8.1f} kB")


def ask_torch(out: Path, images: np.ndarray) -> np.ndarray:
    """
    Load the emitted model and run it.

    Args:
        out: Folder with ``model.py`` and ``model.pth``.
        images: As Keras takes them, (batch, h, w, c).

    Returns:
        Probabilities, (batch, 10).
    """
    spec = importlib.util.spec_from_file_location(f"model_{out.name}", out / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Model()
    model.load_state_dict(torch.load(out / "model.pth", weights_only=True))
    model.eval()
    with torch.no_grad():
        pixels = torch.from_numpy(np.ascontiguousarray(rearrange(images, "batch h w c -> batch c h w")))
        return model(pixels).numpy()


def ask_keras() -> np.ndarray | None:
    """
    Run the sample with the real Keras on the 16 images, in a process of its own.

    Returns:
        Probabilities, (batch, 10); None where Keras or TensorFlow is not installed or does not run.
    """
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("tensorflow") is None:
        return None
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, check=False)
    return np.array(json.loads(done.stdout.splitlines()[-1])) if done.returncode == 0 else None


def compare(labels: np.ndarray, models: dict[str, np.ndarray]) -> bool:
    """Print digits and accuracy side by side, and tell whether every PyTorch model sees the digits that Keras sees."""
    recorded = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))
    live = ask_keras()
    when = f"recorded with Keras {recorded['keras']}" if live is None else "run just now"
    theirs = np.array([row["keras_probabilities"] for row in recorded["shipped"]]) if live is None else live

    print(f"\n{len(labels)} test images (Keras: {when})")
    seen = {"Keras, the original": theirs, **models}
    print(f"  {'label':<22} {' '.join(map(str, labels))}")
    for name, answers in seen.items():
        digits = answers.argmax(axis=1)
        right = digits == labels
        away = (
            "" if answers is theirs else f", largest difference of a probability {np.abs(answers - theirs).max():.1e}"
        )
        print(f"  {name:<22} {' '.join(map(str, digits))}   {right.sum()} right, accuracy {right.mean():.1%}{away}")
    print(f"  (On all {recorded['test_images']} test images the Keras model reached {recorded['test_accuracy']:.1%}.)")
    return all((answers.argmax(axis=1) == theirs.argmax(axis=1)).all() for answers in seen.values())


def main() -> None:
    """Recover, convert, compare."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=CHECKOUT / "build" / "demo", help="folder for the results")
    options, for_convert = parser.parse_known_args()
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with np.load(samples.path("digits_images.npz"), allow_pickle=False) as data:
        images, labels = data["images"], data["labels"]
    recorded = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))["shipped"]
    np.save(out / "known_inputs.npy", images[:KNOWN])
    np.save(out / "known_outputs.npy", np.array([row["keras_probabilities"] for row in recorded[:KNOWN]]))

    print("1. Weights only: the architecture is lost, and rebuilt.\n")
    pairs = ["--pairs", str(out / "known_inputs.npy"), str(out / "known_outputs.npy")]
    convert(samples.path("digits.weights.h5"), out / "recovered", [*pairs, "--set", REMEMBERED, *for_convert])
    list_files(out / "recovered")
    print("\n2. The same model from a file that holds its architecture.\n")
    convert(samples.path("digits.h5"), out / "converted", for_convert)
    list_files(out / "converted")
    models = {f"PyTorch, {name}": ask_torch(out / name, images) for name in ("recovered", "converted")}
    if not compare(labels, models):
        sys.exit("PyTorch and Keras disagree: the result is wrong.")


if __name__ == "__main__":
    main()
