"""Train the next-item model on different codes of the same items, and compare them with two baselines."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taxonaut.recommend.interactions import Interactions
from taxonaut.recommend.item_codes import Codes
from taxonaut.recommend.kept_models import trained
from taxonaut.recommend.next_item_baselines import popularity, successors
from taxonaut.recommend.next_item_training import Training, ranked
from taxonaut.recommend.rank_measures import measures, over_seeds

FIRST_SEED = 2025


@dataclass(frozen=True, slots=True)
class CodesResult:
    """One row: mean and standard deviation over seeds of Recall and NDCG on `test`; `epochs` are the best on `valid`.

    `slots` and `tokens` are 0 for a baseline.
    """

    name: str
    measures: Mapping[str, tuple[float, float]]
    slots: int = 0
    tokens: int = 0
    epochs: tuple[int, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "slots": self.slots,
            "tokens": self.tokens,
            "epochs": list(self.epochs),
            "seconds": round(self.seconds, 1),
            **{name: {"mean": mean, "deviation": spread} for name, (mean, spread) in self.measures.items()},
        }


def compare_codes(
    data: Interactions,
    codes: Sequence[Codes],
    *,
    seeds: int = 3,
    training: Training | None = None,
    keep: Path | None = None,
    on_row: Callable[[CodesResult], None] | None = None,
) -> list[CodesResult]:
    """Return the baselines' rows, then one for each of `codes`; `on_row` gets each as soon as it is known.

    The same model is trained on each with seeds 2025, 2026, …; all items are ranked. Trained models are kept in the
    folder `keep`, and taken from it. Raises MissingExtraError without PyTorch where there are codes.
    """
    rows = []
    for name, rank in (("popularity", popularity), ("successors", successors)):
        rows.append(CodesResult(name, over_seeds([measures(rank(data, data.test))])))
        if on_row is not None:
            on_row(rows[-1])
    for each in codes:
        runs = [
            trained(data, each, training or Training(), seed, keep)
            for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        ]
        rows.append(
            CodesResult(
                each.name,
                over_seeds([measures(ranked(run.model, data.test)) for run in runs]),
                each.table.shape[1],
                len(each.tokens) - 1,
                tuple(run.epoch for run in runs),
                sum(run.seconds for run in runs),
            )
        )
        if on_row is not None:
            on_row(rows[-1])
    return rows


def results_json(rows: Sequence[CodesResult]) -> bytes:
    """Return the rows as a JSON list."""
    return json.dumps([row.as_json() for row in rows], indent=1).encode() + b"\n"


def shortened(training: Training, epochs: int | None) -> Training:
    """Return the settings with at most so many epochs."""
    return training if epochs is None else replace(training, epochs=epochs)
