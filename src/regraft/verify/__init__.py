"""Layer by layer against the real Keras: ``verify`` compares an emitted module with it and says how far it can be trusted."""

from regraft.verify.oracle import KerasError, Oracle
from regraft.verify.prune import prunable
from regraft.verify.result import Check, Status, Verification
from regraft.verify.subject import Probe, Spot, State, Subject
from regraft.verify.verification import verify

__all__ = [
    "Check", "KerasError", "Oracle", "Probe", "Spot", "State", "Status", "Subject", "Verification", "prunable", "verify",
]  # fmt: skip
