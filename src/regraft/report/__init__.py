"""One Report value, shown on the terminal or written as JSON."""

from regraft.report.value import (
    CandidateRow,
    CheckRow,
    ChoiceRow,
    LayerRow,
    Port,
    Report,
    SelfCheckRow,
    Source,
    StatisticRow,
    Status,
    TransferRow,
    VerificationRow,
)

__all__ = [
    "CandidateRow",
    "CheckRow",
    "ChoiceRow",
    "LayerRow",
    "Port",
    "Report",
    "SelfCheckRow",
    "Source",
    "StatisticRow",
    "Status",
    "TransferRow",
    "VerificationRow",
]
