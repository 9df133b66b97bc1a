"""Verification as a whole: one subject, the real Keras, one verdict."""

from __future__ import annotations

from dataclasses import replace

from regraft.layers import KerasVersion
from regraft.verify.custom_config import known_to_keras
from regraft.verify.how import USUAL, How
from regraft.verify.oracle import KerasError, LibraryName, Oracle, absent
from regraft.verify.prune import prunable
from regraft.verify.result import Verification, not_verified
from regraft.verify.routes import objects_known
from regraft.verify.session import Progress, Session
from regraft.verify.steps import steps
from regraft.verify.subject import Subject


def verify(
    subject: Subject,
    *,
    oracle: Oracle | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    how: How = USUAL,
) -> Verification:
    """
    Compare an emitted module with the real Keras, tensor by tensor, on the same seeded inputs.

    Float64 on both sides is the authoritative gate, float32 the gate of deployment; see ``precision``. Layers that
    cannot be converted, and what depends on them, are left out and listed.

    Args:
        subject: The conversion.
        oracle: A running worker to use and leave running, for many verifications; without it one is started and ended.
        seed: Of the inputs.
        progress: Told what happens next, in a few words.
        how: Inputs, precisions and memory.

    Returns:
        The verdict; ``not verified`` with the reason where Keras is not installed or refuses the model.

    Raises:
        OracleError: The process that runs Keras crashed, or took too long.
        OutputError: The emitted module does not run at all: its probes or its state dict do not fit it.
    """
    say = progress or (lambda _: None)
    total = sum(step.outputs for step in steps(subject.blueprint))
    if prunable(subject.blueprint) is None:
        return not_verified("no layer before the first placeholder could be compared", total=total)
    name = library_of(subject)
    if missing := absent(name):
        return not_verified(missing, total=total)
    own = oracle is None
    oracle = oracle or Oracle()
    try:
        return verified(subject, name, oracle, seed, say, total, how)
    finally:
        if own:
            oracle.close()


def verified(
    subject: Subject, name: LibraryName, oracle: Oracle, seed: int, say: Progress, total: int, how: How = USUAL
) -> Verification:
    """The verdict of an oracle that runs."""
    try:
        known = objects_known(subject, name, oracle)
    except KerasError as error:
        return not_verified(str(error), total=total)
    subject = replace(subject, blueprint=known_to_keras(subject.blueprint, subject.custom, known))
    blueprint = prunable(subject.blueprint)
    if blueprint is None:
        reason = "no layer before the first that Keras cannot build could be compared: give it keras_objects"
        return not_verified(reason, total=total)
    with_input = tuple(
        blueprint.by_name[ref.layer].config.get("batch_shape")
        for ref in subject.blueprint.inputs
        if ref in blueprint.inputs
    )
    if how.samples is None and not all(isinstance(shape, tuple) for shape in with_input):
        return not_verified("the shape of an input is unknown; give it with --input-shape", total=total)
    return Session(subject, blueprint, name, oracle, seed, say, total, how).verdict()


def library_of(subject: Subject) -> LibraryName:
    """Keras 3 for its own files; tf-keras for everything older, whose defaults and numbers it keeps."""
    text = subject.blueprint.keras_version or subject.tree.keras_version
    modern = KerasVersion.parse(text).major >= 3 if text else subject.tree.dialect == "keras-3"
    return "keras" if modern else "tf_keras"
