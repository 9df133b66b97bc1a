"""A ``.keras`` file that we wrote, opened by the Keras of today, beside the module of the file it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regraft.verify.how import USUAL, How
from regraft.verify.oracle import KerasError, Oracle, absent
from regraft.verify.reading import write
from regraft.verify.result import Verification, not_verified
from regraft.verify.routes import Built, objects_known
from regraft.verify.session import Session
from regraft.verify.steps import steps
from regraft.verify.subject import Subject

OPENED = "model.keras"


def verify_opened(
    subject: Subject,
    file: Path,
    *,
    oracle: Oracle | None = None,
    seed: int = 0,
    progress: Callable[[str], None],
    how: How = USUAL,
) -> Verification:
    """
    Open the file in Keras 3 and compare every tensor with those of the emitted module.

    Args:
        subject: The module of the old file, with blueprint and binding of the new one.
        file: The new file.
        oracle: A running worker to use and leave running.
        seed: Of the inputs.
        progress: Told what happens next.
        how: Inputs, precisions and memory.
    """
    total = sum(step.outputs for step in steps(subject.blueprint))
    if missing := absent("keras"):
        return not_verified(missing, total=total)
    own = oracle is None
    oracle = oracle or Oracle()
    try:
        names = objects_known(subject, "keras", oracle)
        progress("opening the file in Keras")
        variables = write(subject.blueprint, subject.binding, oracle.folder(), arrays=True)
        description, loaded = oracle.open(file, variables, custom=bool(names))
        session = Session(subject, subject.blueprint, "keras", oracle, seed, progress, total, how)
        if not (found := session.run_cases()):
            return not_verified(session.notes[-1] if session.notes else "no inputs could be made", total=total)
        return session.compared(Built(description, OPENED, OPENED, loaded.count, loaded.mismatches), found)
    except KerasError as error:
        reason = f"the Keras of today does not open the file: {error}"
        return Verification("different", reason, (), total=total)
    finally:
        if own:
            oracle.close()
