"""The program that the commands join by being declared."""

from __future__ import annotations

from cyclopts import App

import regraft

EXIT_CODES = (
    "Exit codes: 0 done and checked; 1 a check failed; 2 the input cannot be used, nothing is written; "
    "3 done, and something remains open or assumed (listed)."
)

app = App(
    name="regraft",
    help="Turns Keras weight files into PyTorch models you can read, load, train and trust.",
    version=regraft.__version__,
    help_format="plaintext",
    help_epilogue=EXIT_CODES,
)
