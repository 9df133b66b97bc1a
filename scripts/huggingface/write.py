"""
Tiny random models of transformers with TensorFlow: for each a ``tf_model.h5``, ``config.json`` and what it computes.

    python write.py FOLDER [NAME ...]

Needs transformers 4.53 with TensorFlow, see ``constraints.txt``; nothing is downloaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
import transformers as hf

SEED = 7
#: Spread of the random weights: wide enough that a wrong one shows in the outputs.
SPREAD = 0.4


@dataclass(frozen=True)
class Model:
    """A class of transformers, the sizes of one such model, and what it is run on."""

    name: str
    config: Callable[[], Any]
    inputs: Callable[[Any, np.random.Generator], dict[str, np.ndarray]]


def tokens(config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two sentences of five words, the second one padded at its end."""
    ids = rng.integers(4, config.vocab_size, (2, 5))
    mask = np.ones((2, 5), "int64")
    ids[1, 3:], mask[1, 3:] = config.pad_token_id or 0, 0
    return {"input_ids": ids, "attention_mask": mask}


def two_texts(config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same, with words of a second kind."""
    found = tokens(config, rng)
    return {**found, "token_type_ids": rng.integers(0, config.type_vocab_size, found["input_ids"].shape)}


def whole(config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two sentences of five words."""
    return {"input_ids": rng.integers(4, config.vocab_size, (2, 5))}


def both_ways(config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What is read, and what has been written so far."""
    return {**tokens(config, rng), "decoder_input_ids": rng.integers(4, config.vocab_size, (2, 3))}


def images(config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two images, channels first, as transformers takes them with both frameworks."""
    size = config.image_size
    return {"pixel_values": rng.standard_normal((2, config.num_channels, size, size)).astype("float32")}


BERT = {"vocab_size": 53, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
POSITIONS = {"max_position_embeddings": 13, "type_vocab_size": 2}


def bert(**more: Any) -> Callable[[], Any]:
    """Sizes of a BERT."""
    return lambda: hf.BertConfig(**BERT, **POSITIONS, **more)


def roberta(**more: Any) -> Callable[[], Any]:
    """Sizes of a RoBERTa; it counts positions from behind its padding."""
    return lambda: hf.RobertaConfig(**BERT, **{**POSITIONS, "type_vocab_size": 1}, **more)


def distilbert(**more: Any) -> Callable[[], Any]:
    """Sizes of a DistilBERT."""
    return lambda: hf.DistilBertConfig(
        vocab_size=47, dim=20, n_layers=2, n_heads=4, hidden_dim=36, max_position_embeddings=11, **more
    )


def gpt2(**more: Any) -> Callable[[], Any]:
    """Sizes of a GPT-2."""
    ends = {"bos_token_id": 2, "eos_token_id": 3}
    return lambda: hf.GPT2Config(vocab_size=49, n_embd=18, n_layer=2, n_head=3, n_positions=14, **ends, **more)


def t5(**more: Any) -> Callable[[], Any]:
    """Sizes of a T5, whose heads are not the width by their number."""
    return lambda: hf.T5Config(
        vocab_size=45, d_model=22, d_kv=6, d_ff=34, num_layers=2, num_heads=4, relative_attention_num_buckets=8, **more
    )


def vit(**more: Any) -> Callable[[], Any]:
    """Sizes of a ViT on small images."""
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
    return lambda: hf.ViTConfig(**sizes, image_size=12, patch_size=4, num_channels=3, **more)


MODELS = (
    Model("BertModel", bert(), two_texts),
    Model("BertForSequenceClassification", bert(num_labels=5), two_texts),
    Model("BertForMaskedLM", bert(), two_texts),
    Model("RobertaModel", roberta(), tokens),
    Model("RobertaForSequenceClassification", roberta(num_labels=4), tokens),
    Model("DistilBertModel", distilbert(), tokens),
    Model("DistilBertForMaskedLM", distilbert(), tokens),
    Model("GPT2Model", gpt2(), whole),
    Model("GPT2LMHeadModel", gpt2(), whole),
    Model("T5Model", t5(), both_ways),
    Model("T5ForConditionalGeneration", t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False), both_ways),
    Model("ViTModel", vit(), images),
    Model("ViTForImageClassification", vit(num_labels=6), images),
)


def write(model: Model, folder: Path) -> None:
    """One model: weights, sizes, and inputs with their outputs."""
    config = model.config()
    rng = np.random.default_rng(SEED)
    inputs = model.inputs(config, rng)
    keras = getattr(hf, f"TF{model.name}")(config)
    given = {key: tf.constant(value) for key, value in inputs.items()}
    keras(given)
    for variable in keras.weights:
        if variable.dtype.is_floating:
            around = 1.0 if "gamma" in variable.name or "layer_norm/weight" in variable.name else 0.0
            numbers = around + SPREAD * rng.standard_normal(variable.shape).astype("float32")
            variable.assign(1 + numbers**2 if "variance" in variable.name else numbers)
    outputs = keras(given, training=False)
    kept = {name: value.numpy() for name, value in outputs.items() if isinstance(value, tf.Tensor)}
    target = folder / model.name
    target.mkdir(parents=True, exist_ok=True)
    keras.save_pretrained(target)
    for extra in target.iterdir():
        if extra.name not in ("tf_model.h5", "config.json"):
            extra.unlink()
    arrays = {f"input/{key}": value for key, value in inputs.items()}
    np.savez_compressed(target / "run.npz", **arrays, **{f"output/{key}": value for key, value in kept.items()})
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{model.name}: {len(keras.weights)} variables, {size / 1000:.0f} kB, {', '.join(kept)}", flush=True)


def main() -> None:
    """Write the models named, or all."""
    folder, *names = sys.argv[1:]
    unknown = set(names) - {model.name for model in MODELS}
    if unknown:
        sys.exit(f"no such model: {', '.join(sorted(unknown))}; known are {', '.join(m.name for m in MODELS)}")
    for model in MODELS:
        if not names or model.name in names:
            write(model, Path(folder))


if __name__ == "__main__":
    main()
