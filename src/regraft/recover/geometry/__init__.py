"""Map sizes: strides, paddings, pools, reshapes and the input shape of a wired draft, from sizes, borders and habits."""

from regraft.recover.geometry.budget import Budget
from regraft.recover.geometry.fit import fit

__all__ = ["Budget", "fit"]
