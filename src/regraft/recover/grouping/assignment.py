"""The best one-to-one assignment."""

from __future__ import annotations

import numpy as np


def assign(costs: np.ndarray) -> np.ndarray:
    """
    For each row the column that makes the sum smallest; every column at most once.

    The Hungarian method with shortest augmenting paths (Jonker and Volgenant 1987), cubic in the number of rows.

    Args:
        costs: Rows by columns, finite, with at least as many columns as rows.

    >>> assign(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]])).tolist()
    [1, 0, 2]
    """
    rows, columns = costs.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    row_at = np.zeros(columns + 1, dtype=int)  # 1-based; 0 is none, and column 0 starts a path
    for row in range(1, rows + 1):
        row_at[0], column = row, 0
        shortest, came_from = np.full(columns + 1, np.inf), np.zeros(columns + 1, dtype=int)
        done = np.zeros(columns + 1, dtype=bool)
        while row_at[column]:
            done[column] = True
            at = row_at[column]
            reduced = costs[at - 1] - of_row[at] - of_column[1:]
            better = ~done[1:] & (reduced < shortest[1:])
            shortest[1:][better], came_from[1:][better] = reduced[better], column
            following = int(np.argmin(np.where(done[1:], np.inf, shortest[1:]))) + 1
            step = shortest[following]
            of_row[row_at[done]] += step
            of_column[done] -= step
            shortest[~done] -= step
            column = following
        while column:
            row_at[column] = row_at[came_from[column]]
            column = came_from[column]
    found = np.zeros(rows, dtype=int)
    for column in range(1, columns + 1):
        if row_at[column]:
            found[row_at[column] - 1] = column - 1
    return found
