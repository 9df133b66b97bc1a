"""One Report value, shown on the terminal, written as JSON, or as one HTML file."""

from regraft.report.value import (
    CandidateRow,
    CheckRow,
    ChoiceRow,
    LayerRow,
    NodeRow,
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
    "NodeRow",
    "Port",
    "Report",
    "SelfCheckRow",
    "Source",
    "StatisticRow",
    "Status",
    "TransferRow",
    "VerificationRow",
]
