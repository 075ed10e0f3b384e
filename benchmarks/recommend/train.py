"""Train one model on one kind of codes with one seed, and rank all items for held-out histories."""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .codes import Codes
from .data import Interactions, Query
from .measure import Ranks, measures, ranks
from .model import Recommender, Shape

CHOSEN_BY = "NDCG@10"
LONGEST = 50
"""Of longer histories and sequences the last items count."""

_BATCH = 512
_POOL = 8


@dataclass(frozen=True)
class Training:
    """How a model is trained; the same for all codes."""

    shape: Shape = field(default_factory=Shape)
    rate: float = 3e-3
    decay: float = 0.1
    batch: int = 128
    epochs: int = 40
    patience: int = 5


@dataclass(frozen=True)
class Trained:
    """A model as it was after its best epoch on `valid`."""

    model: Recommender
    epoch: int
    seconds: float
    curve: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(each.numel() for each in self.model.parameters())


def recommender(data: Interactions, codes: Codes, how: Training) -> Recommender:
    """Make an untrained model; its weights are drawn from PyTorch's generator."""
    length = min(data.longest, LONGEST)
    return Recommender(torch.from_numpy(codes.table), len(codes.tokens), length, how.shape)


def train(data: Interactions, codes: Codes, how: Training, seed: int) -> Trained:
    """Train until NDCG@10 on `valid` has not risen for `patience` epochs; keep the best epoch's weights."""
    start = time.perf_counter()
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    model = recommender(data, codes, how)
    sequences, lengths = _padded(list(data.train.values()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=how.rate, weight_decay=how.decay)
    best, best_epoch, kept, curve = -1.0, 0, model.state_dict(), []
    for epoch in range(1, how.epochs + 1):
        model.train()
        for rows in _batches(lengths, how.batch, order):
            loss = _loss(model, sequences[rows], lengths[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        curve.append(measures(ranked(model, data.valid))[CHOSEN_BY])
        if curve[-1] > best:
            best, best_epoch, kept = curve[-1], epoch, deepcopy(model.state_dict())
        elif epoch - best_epoch >= how.patience:
            break
    model.load_state_dict(kept)
    return Trained(model, best_epoch, time.perf_counter() - start, tuple(curve))


def ranked(
    model: Recommender,
    queries: Sequence[Query],
    allowed: Callable[[int], NDArray[np.bool_]] | None = None,
) -> Ranks:
    """Rank each query's target among all items, or among those that `allowed` (of the target) leaves."""
    model.eval()
    found = np.zeros(len(queries), dtype=np.int64)
    by_length = sorted(range(len(queries)), key=lambda row: len(queries[row].history))
    with torch.inference_mode():
        items = model.items()
        for start in range(0, len(queries), _BATCH):
            rows = by_length[start : start + _BATCH]
            part = [queries[row] for row in rows]
            histories, lengths = _padded([query.history for query in part])
            states = model(histories, items)[torch.arange(len(part)), lengths]
            scores = model.scores(states, items).numpy()
            targets = np.array([query.target for query in part])
            if allowed is not None:
                scores = np.where(np.stack([allowed(int(each)) for each in targets]), scores, -np.inf)
            found[rows] = ranks(scores, targets)
    return found


def _loss(model: Recommender, sequences: Tensor, lengths: Tensor) -> Tensor:
    """The mean loss of every next item; the first one too, after the begin mark."""
    longest = int(lengths.max())
    sequences = sequences[:, :longest]
    there = torch.arange(longest)[None] < lengths[:, None]
    items = model.items()
    states = model(sequences, items)[:, :-1][there]
    return functional.cross_entropy(model.scores(states, items), sequences[there])


def _batches(lengths: Tensor, size: int, order: np.random.Generator) -> list[Tensor]:
    """Cut a random order into batches; within every few of them, sequences of like length are put together."""
    rows = order.permutation(len(lengths))
    batches = []
    for start in range(0, len(rows), _POOL * size):
        pool = rows[start : start + _POOL * size]
        pool = pool[np.argsort(lengths.numpy()[pool], kind="stable")]
        batches += [torch.from_numpy(pool[at : at + size]) for at in range(0, len(pool), size)]
    return [batches[number] for number in order.permutation(len(batches))]


def _padded(sequences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    sequences = [each[-LONGEST:] for each in sequences]
    lengths = torch.tensor([len(each) for each in sequences])
    padded = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.long)
    for row, each in enumerate(sequences):
        padded[row, : len(each)] = torch.tensor(each)
    return padded, lengths
