"""One row of the table: a model a seed, measured on both parts, with and without a critique. Needs PyTorch."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from taxonaut.recommend.interactions import Interactions, Query
from taxonaut.recommend.item_codes import Codes
from taxonaut.recommend.kept_models import trained
from taxonaut.recommend.next_item_model import Shape, torch_module
from taxonaut.recommend.next_item_training import CHOSEN_BY, Trained, Training, ranked
from taxonaut.recommend.rank_measures import CUTS, measures

from .critique import Fitting, masks
from .report import Critique, Row

FIRST_SEED = 2025

GRID: Mapping[str, Training] = {
    "sum": Training(Shape(mixed=False)),
    "mixed": Training(Shape(mixed=True)),
}
"""The settings that are tried for every kind of codes, each with the first seed; `valid` chooses."""


def train_row(
    data: Interactions,
    codes: Codes,
    seeds: int,
    epochs: int | None = None,
    threads: int | None = None,
    fitting: Fitting | None = None,
    keep: Path | None = None,
) -> Row:
    """Choose settings on `valid`, train with seeds 2025, 2026, …, measure on `test`.

    Models are kept in the folder `keep`, and taken from it.
    """
    if threads:
        torch_module().set_num_threads(threads)
    grid = {name: how if epochs is None else replace(how, epochs=epochs) for name, how in GRID.items()}

    def run(name: str, seed: int) -> Trained:
        made = trained(data, codes, grid[name], seed, keep)
        print(
            f"{codes.name}, {name}, seed {seed}: valid {CHOSEN_BY} {100 * max(made.curve):.2f}, "
            f"epoch {made.epoch} of {len(made.curve)}, {made.seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        return made

    first = {name: run(name, FIRST_SEED) for name in grid}
    tried = {name: max(made.curve) for name, made in first.items()}
    chosen = max(tried, key=lambda name: tried[name])
    later = range(FIRST_SEED + 1, FIRST_SEED + seeds)
    runs = [first[chosen], *(run(chosen, seed) for seed in later)]
    ranks = [ranked(each.model, data.test) for each in runs]
    unseen = _unseen(data)
    return Row(
        codes.name,
        tuple(measures(ranked(each.model, data.valid)) for each in runs),
        tuple(measures(each) for each in ranks),
        tuple(float((each[unseen] <= CUTS[-1]).mean()) for each in ranks) if unseen.any() else (),
        len(codes.tokens) - 1,
        codes.table.shape[1],
        runs[0].parameters,
        tuple(each.seconds for each in runs),
        tuple(each.epoch for each in runs),
        chosen,
        tried,
        _criticised(data, codes, runs, fitting) if codes.table.shape[1] > 1 else None,
    )


def _unseen(data: Interactions) -> np.ndarray:
    seen = {item for sequence in data.train.values() for item in sequence}
    return np.array([query.target not in seen for query in data.test])


def _criticised(
    data: Interactions, codes: Codes, runs: list[Trained], fitting: Fitting | None
) -> Critique | None:
    left = masks(codes, data.items, fitting)

    def whether(query: Query) -> tuple[float, bool]:
        mask = left(query.target)
        return float(mask.mean()), not mask[query.target]

    shares, lost = zip(*(whether(query) for query in data.test), strict=True)
    limited = tuple(measures(ranked(run.model, data.test, left)) for run in runs)
    return Critique(limited, float(np.mean(shares)), float(np.mean(lost)))
