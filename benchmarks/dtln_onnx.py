"""
DTLN converted with ``--custom``, beside the ONNX files that others published of the same weights, on real speech.

    python benchmarks/dtln_onnx.py CORPUS --python PYTHON_WITH_ONNXRUNTIME

The ONNX files are the first half of the model: a frame's magnitudes and the states of two LSTMs in, a mask out. They are
fed frame by frame; the converted model takes the whole recording at once. The second file gives the masked magnitudes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FRAME, STEP = 512, 128
ONNX = ("breizhn-DTLN/samples/pretrained_model__model_1.onnx", "lhwcv-DTLN_pytorch/samples/pretrained__model_p1.onnx")
NOISY = "lhwcv-DTLN_pytorch/samples/samples__audioset_realrec_airconditioner_2TE3LoA2OUQ.wav"


def recording(path: Path) -> np.ndarray:
    """Samples of a 16-bit recording, from -1 to 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype("float32") / 32768


def masks(model: str, frames: str, out: str) -> None:
    """The masks of an ONNX file, frame by frame; runs where onnxruntime is installed."""
    import onnxruntime  # pyright: ignore[reportMissingImports]

    session = onnxruntime.InferenceSession(model)
    inputs = session.get_inputs()
    states = {i.name: np.zeros(i.shape, "float32") for i in inputs[1:]}
    found = []
    for frame in np.load(frames):
        mask, *after = session.run(None, {inputs[0].name: frame.reshape(inputs[0].shape), **states})
        pieces = after if len(after) == len(states) else list(after[0])
        states = {name: piece.reshape(states[name].shape) for name, piece in zip(states, pieces, strict=True)}
        found.append(mask.reshape(-1))
    np.save(out, np.stack(found))


def main() -> int:
    """Convert, run both, print the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has onnxruntime")
    options = parser.parse_args()
    import torch

    sys.path[:0] = [str(ROOT), str(ROOT / "examples/dtln")]
    from architecture import architecture

    from regraft import convert

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "dtln.json").write_text(architecture())
        conversion = convert(
            options.corpus / "breizhn-DTLN/model.h5",
            place / "out",
            architecture=place / "dtln.json",
            custom=ROOT / "examples/dtln/dtln_layers.py",
            verify=False,
        )
        space: dict[str, object] = {}
        exec((place / "out/model.py").read_text(), space)  # noqa: S102 - our own output
        model = space["Model"]()  # type: ignore[operator]
        model.load_state_dict(torch.load(place / "out/model.pth", weights_only=True))
        model.eval()
        noisy = recording(options.corpus / NOISY)
        seen: dict[str, np.ndarray] = {}
        hook = model.dense.register_forward_hook(lambda _m, _i, out: seen.update(mask=torch.sigmoid(out)[0].numpy()))
        with torch.no_grad():
            model(torch.from_numpy(noisy.copy())[None])
        hook.remove()
        windows = np.lib.stride_tricks.sliding_window_view(noisy, FRAME)[::STEP]
        np.save(place / "frames.npy", np.abs(np.fft.rfft(windows)).astype("float32"))
        print(f"{len(noisy)} samples, {len(windows)} frames, {len(conversion.module.transfers)} transfers")
        worst = 0.0
        for name in ONNX:
            child = [options.python, __file__, "--masks", str(options.corpus / name), str(place / "frames.npy")]
            subprocess.run([*child, str(place / "masks.npy")], check=True)
            theirs = np.load(place / "masks.npy")
            ours = seen["mask"] * (np.load(place / "frames.npy") if "p1" in name else 1.0)
            error = float(np.abs(theirs - ours).max() / np.abs(theirs).max())
            worst = max(worst, error)
            print(f"{name}: {theirs.shape}, largest difference {error:.1e} of the largest value")
    return int(worst > 1e-4)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--masks"]:
        masks(*sys.argv[2:])
    else:
        sys.exit(main())
