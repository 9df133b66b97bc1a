"""
Operations inside graphs: one file a family, one line an operation.

The families are imported when the catalogue is asked for something that is not there yet, as most models have none.
"""

from regraft.layers.operations.base import TENSORFLOW_ONLY, Operation
from regraft.layers.operations.refused import REFUSED, REFUSED_FUNCTIONS

__all__ = ["REFUSED", "REFUSED_FUNCTIONS", "TENSORFLOW_ONLY", "Operation"]
