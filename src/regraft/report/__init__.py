"""One Report value, shown on the terminal or written as JSON."""

from regraft.report.value import (
    CheckRow,
    ChoiceRow,
    LayerRow,
    Port,
    Report,
    Source,
    Status,
    TransferRow,
    VerificationRow,
)

__all__ = [
    "CheckRow",
    "ChoiceRow",
    "LayerRow",
    "Port",
    "Report",
    "Source",
    "Status",
    "TransferRow",
    "VerificationRow",
]
