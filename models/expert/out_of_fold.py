"""Probabilities of training products by experts that had not seen them (out-of-fold), kept with the expert.

They tell which labels of the training products are likely wrong. A product has its likeliest categories and all of
its given ones, as logarithms in half precision, so that 10,000 products take some 1 MB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.calibration import CANDIDATES, TemperatureScaling
from taxonaut.state.ids import LabelId

FILE = "out_of_fold.npz"

KEPT = 10
"""Likeliest categories that are kept of a product, next to its given ones."""

LEAST_LOG = -60.0
"""Lower bound of log probabilities."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of some categories of a product each: `columns` (n, k) and `logits` (n, k); -1 is no category.

    `places` (n,) are the products' indices; `given` (n, k) says which categories are the product's own.
    """

    places: NDArray[np.int64]
    columns: NDArray[np.int64]
    logits: Matrix
    given: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Log probabilities as a sparse matrix (n, C), row by row: `starts` (n + 1,), `columns` and `logs`.

    `labels` are the categories of the columns. A product that was not held out has an empty row. Columns of a row are
    in descending order of probability.
    """

    labels: tuple[LabelId, ...]
    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    logs: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, place: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the columns of a product and their log probabilities, the likeliest first."""
        part = slice(self.starts[place], self.starts[place + 1])
        return self.columns[part], self.logs[part].astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the file into an expert's folder."""
        labels = np.array(self.labels, dtype=np.str_)
        np.savez_compressed(
            folder / FILE, labels=labels, starts=self.starts, columns=self.columns, logs=self.logs
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote. Raises OSError, ValueError, KeyError, BadZipFile for a damaged file."""
        with (folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("labels", "starts", "columns", "logs")}
        labels = tuple(LabelId(str(label)) for label in arrays["labels"])
        starts, columns = arrays["starts"], arrays["columns"]
        if starts[-1] != len(columns) or len(columns) != len(arrays["logs"]):
            raise ValueError(f"{FILE} is cut short")
        return cls(labels, starts, columns, arrays["logs"])


def take_scores(
    places: NDArray[np.int64], logits: Matrix, targets: Matrix, head: Matrix | None = None
) -> Scores:
    """Take the highest logits (n, C) of each product and those of its given categories (`targets`, (n, C)).

    With `head` (n, C) its values are returned in place of the logits, at the same columns.
    """
    kept = min(CANDIDATES, logits.shape[1])
    taken = targets > 0
    top = np.argpartition(-logits, kept - 1, axis=1)[:, :kept]
    np.put_along_axis(taken, top, True, axis=1)
    width = int(taken.sum(axis=1).max(initial=0))
    columns = np.full((len(logits), width), -1, np.int64)
    rows, found = np.nonzero(taken)
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    columns[rows, ranks] = found
    values = np.take_along_axis(logits if head is None else head, np.maximum(columns, 0), axis=1)
    own = (columns >= 0) & (np.take_along_axis(targets, np.maximum(columns, 0), axis=1) > 0)
    return Scores(places, columns, np.where(columns >= 0, values, -np.inf).astype(np.float32), own)


def collect_out_of_fold(
    labels: Sequence[LabelId], count: int, found: Sequence[Scores], tempering: TemperatureScaling
) -> OutOfFold:
    """Turn the scores of held-out products, out of `count`, into log probabilities."""
    sizes = np.zeros(count, np.int64)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], Matrix]] = []
    for scores in found:
        logs = np.maximum(tempering.log_shares(scores.logits), LEAST_LOG)
        order = np.argsort(-logs, axis=1, kind="stable")
        own = np.take_along_axis(scores.given, order, axis=1)
        own[:, :KEPT] = True
        columns = np.where(own, np.take_along_axis(scores.columns, order, axis=1), -1)
        kept.append((scores.places, columns, np.take_along_axis(logs, order, axis=1)))
        sizes[scores.places] = (columns >= 0).sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    flat_columns = np.zeros(starts[-1], np.int32)
    flat_logs = np.zeros(starts[-1], np.float16)
    for places, columns, logs in kept:
        for place, row, log in zip(places, columns, logs, strict=True):
            there = row >= 0
            flat_columns[starts[place] : starts[place + 1]] = row[there]
            flat_logs[starts[place] : starts[place + 1]] = log[there]
    return OutOfFold(tuple(labels), starts, flat_columns, flat_logs)
