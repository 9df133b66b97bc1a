"""
Convert the digit classifier that ships with regraft, and try the PyTorch model on 16 images beside Keras.

    python examples/demo.py [-o OUT] [options of regraft convert]

The model is loaded as any user would load it: the emitted ``model.py`` needs torch alone, and ``model.pth`` is a plain
state dict. What Keras answers was recorded when the sample was trained; where Keras is installed, it is asked again.
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
    sys.path.insert(0, str(out))
    from model import Model  # pyright: ignore[reportMissingImports]  (written a moment ago)

    model = Model()
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


def compare(labels: np.ndarray, ours: np.ndarray) -> bool:
    """Print digits and accuracy side by side, and tell whether PyTorch sees the digits that Keras sees."""
    recorded = json.loads(samples.path("digits.json").read_text(encoding="utf-8"))
    live = ask_keras()
    when = f"recorded with Keras {recorded['keras']}" if live is None else "run just now"
    theirs = np.array([row["keras_probabilities"] for row in recorded["shipped"]]) if live is None else live

    print(f"\n{len(labels)} test images (Keras: {when})")
    seen = {"Keras": theirs.argmax(axis=1), "PyTorch": ours.argmax(axis=1)}
    print(f"  {'label':<8} {' '.join(map(str, labels))}")
    for name, digits in seen.items():
        right = digits == labels
        print(f"  {name:<8} {' '.join(map(str, digits))}   {right.sum()} right, accuracy {right.mean():.1%}")
    print(f"  largest difference of a probability: {np.abs(ours - theirs).max():.1e}")
    print(f"  (On all {recorded['test_images']} test images the Keras model reached {recorded['test_accuracy']:.1%}.)")
    return bool((seen["Keras"] == seen["PyTorch"]).all())


def main() -> None:
    """Convert, list, compare."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=CHECKOUT / "build" / "demo", help="folder for the result")
    options, for_convert = parser.parse_known_args()
    out: Path = options.out.resolve()

    convert(samples.path("digits.h5"), out, for_convert)
    list_files(out)
    with np.load(samples.path("digits_images.npz"), allow_pickle=False) as data:
        images, labels = data["images"], data["labels"]
    if not compare(labels, ask_torch(out, images)):
        sys.exit("PyTorch and Keras disagree: the conversion is wrong.")


if __name__ == "__main__":
    main()
