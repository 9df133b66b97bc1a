"""Layers of Keras that have no PyTorch form, each with the reason: they become placeholders that keep their weights."""

from __future__ import annotations

from collections.abc import Mapping

TEXT = "it works on text, and PyTorch has no tensors of text: do its step before the model"

#: Why a class of Keras itself is never converted, by class name.
FORBIDDEN: Mapping[str, str] = {
    "Lambda": "its function is Python code, which is never run",
    "Layer": "the base class of all layers computes nothing that the file holds",
    "Wrapper": "the base class of wrappers computes nothing that the file holds",
    "AbstractRNNCell": "the base class of recurrent cells computes nothing that the file holds",
    "PreprocessingLayer": "the base class of preprocessing layers computes nothing that the file holds",
    "StringLookup": TEXT,
    "TextVectorization": TEXT,
    "Hashing": "it hashes the text of its inputs with FarmHash64 or SipHash64, which PyTorch does not have",
    "HashedCrossing": "it hashes the text of its crossed inputs with FarmHash64, which PyTorch does not have",
    "DenseFeatures": "it computes from feature columns of TensorFlow, which are Python objects outside of the file",
    "SequenceFeatures": "it computes from feature columns of TensorFlow, which are Python objects outside of the file",
    "TFSMLayer": "it runs a TensorFlow SavedModel that lies beside the file",
    "JaxLayer": "its function is Python code of JAX, which the file does not hold or holds pickled",
    "FlaxLayer": "its module is Python code of Flax, which the file does not hold or holds pickled",
    "TorchModuleWrapper": "it holds a pickled PyTorch module, and unpickling runs code",
    "KerasLayer": "it runs a TensorFlow Hub module that lies outside of the file",
}
