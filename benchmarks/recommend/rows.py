"""One row of the table: a model a seed, measured on both parts, with and without a critique. Needs PyTorch."""

import sys
from dataclasses import replace

import numpy as np
import torch

from .codes import Codes
from .critique import Fitting, masks
from .data import Interactions
from .measure import CUTS, measures
from .report import Critique, Row
from .train import Training, ranked, train

FIRST_SEED = 2025


def train_row(
    data: Interactions,
    codes: Codes,
    seeds: int,
    epochs: int | None = None,
    threads: int | None = None,
    fitting: Fitting | None = None,
) -> Row:
    """Train on one kind of codes with seeds 2025, 2026, …, and measure."""
    if threads:
        torch.set_num_threads(threads)
    how = Training() if epochs is None else replace(Training(), epochs=epochs)
    seen = {item for sequence in data.train.values() for item in sequence}
    unseen = np.array([query.target not in seen for query in data.test])
    critiques = codes.table.shape[1] > 1
    left = masks(codes, data.items, fitting)
    valid, test, limited, cold, seconds, at, parameters = [], [], [], [], [], [], 0
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        trained = train(data, codes, how, seed)
        ranks = ranked(trained.model, data.test)
        valid.append(measures(ranked(trained.model, data.valid)))
        test.append(measures(ranks))
        if critiques:
            limited.append(measures(ranked(trained.model, data.test, left)))
        if unseen.any():
            cold.append(float((ranks[unseen] <= CUTS[-1]).mean()))
        seconds.append(trained.seconds)
        at.append(trained.epoch)
        parameters = trained.parameters
        print(f"{codes.name}, seed {seed}: {trained.seconds:.0f} s", file=sys.stderr, flush=True)
    critique = None
    if critiques:
        found = [left(query.target) for query in data.test]
        lost = [not mask[query.target] for mask, query in zip(found, data.test, strict=True)]
        critique = Critique(
            tuple(limited), float(np.mean([mask.mean() for mask in found])), float(np.mean(lost))
        )
    return Row(
        codes.name,
        tuple(valid),
        tuple(test),
        tuple(cold),
        len(codes.tokens) - 1,
        codes.table.shape[1],
        parameters,
        tuple(seconds),
        tuple(at),
        critique,
    )
