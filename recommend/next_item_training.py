"""Train one model on one kind of codes with one seed, and rank all items for held-out histories."""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taxonaut.recommend.interactions import Interactions, Query
from taxonaut.recommend.item_codes import Codes
from taxonaut.recommend.next_item_model import NextItemModel, Shape, torch_module
from taxonaut.recommend.rank_measures import Ranks, measures, ranks
from taxonaut.state.updates import Progress, tell

if TYPE_CHECKING:
    from torch import Tensor

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

    model: NextItemModel
    epoch: int
    seconds: float
    curve: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(each.numel() for each in self.model.parts.parameters())


def untrained(data: Interactions, codes: Codes, how: Training) -> NextItemModel:
    """Make an untrained model; its weights are drawn from PyTorch's generator."""
    torch = torch_module()
    length = min(data.longest, LONGEST)
    return NextItemModel(torch.from_numpy(codes.table), len(codes.tokens), length, how.shape)


def train(data: Interactions, codes: Codes, how: Training, seed: int) -> Trained:
    """Train until NDCG@10 on `valid` has not risen for `patience` epochs; keep the best epoch's weights.

    Raises MissingExtraError without PyTorch. The state of PyTorch's generator is left as it was.
    """
    torch = torch_module()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _train(data, codes, how, np.random.default_rng(seed), f"training {codes.name}, seed {seed}")


def _train(
    data: Interactions, codes: Codes, how: Training, order: np.random.Generator, stage: str
) -> Trained:
    torch = torch_module()
    start = time.perf_counter()
    model = untrained(data, codes, how)
    sequences, lengths = _padded(list(data.train.values()))
    optimizer = torch.optim.AdamW(model.parts.parameters(), lr=how.rate, weight_decay=how.decay)
    best, best_epoch, kept, curve = -1.0, 0, model.weights(), []
    for epoch in range(1, how.epochs + 1):
        tell(Progress(stage, epoch - 1, how.epochs))
        model.parts.train()
        for rows in _batches(lengths, how.batch, order):
            loss = _loss(model, sequences[rows], lengths[rows])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parts.parameters(), 1.0)
            optimizer.step()
        curve.append(measures(ranked(model, data.valid))[CHOSEN_BY])
        if curve[-1] > best:
            best, best_epoch, kept = curve[-1], epoch, deepcopy(model.weights())
        elif epoch - best_epoch >= how.patience:
            break
    model.load_weights(kept)
    return Trained(model, best_epoch, time.perf_counter() - start, tuple(curve))


def ranked(
    model: NextItemModel,
    queries: Sequence[Query],
    allowed: Callable[[int], NDArray[np.bool_]] | None = None,
) -> Ranks:
    """Rank each query's target among all items, or among those that `allowed` (of the target) leaves."""
    found = np.zeros(len(queries), dtype=np.int64)
    by_length = sorted(range(len(queries)), key=lambda row: len(queries[row].history))
    for start in range(0, len(queries), _BATCH):
        rows = by_length[start : start + _BATCH]
        part = [queries[row] for row in rows]
        scores = score_items(model, [query.history for query in part])
        targets = np.array([query.target for query in part])
        if allowed is not None:
            scores = np.where(np.stack([allowed(int(each)) for each in targets]), scores, -np.inf)
        found[rows] = ranks(scores, targets)
    return found


def score_items(model: NextItemModel, histories: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Score all items after each history, oldest item first: (histories, items). An empty history is allowed."""
    torch = torch_module()
    model.parts.eval()
    with torch.inference_mode():
        items = model.items()
        padded, lengths = _padded(histories)
        states = model.states(padded, items)[torch.arange(len(histories)), lengths]
        scores: NDArray[np.float32] = model.scores(states, items).numpy()
    return scores


def _loss(model: NextItemModel, sequences: "Tensor", lengths: "Tensor") -> "Tensor":
    """The mean loss of every next item; the first one too, after the begin mark."""
    torch = torch_module()
    longest = int(lengths.max())
    sequences = sequences[:, :longest]
    there = torch.arange(longest)[None] < lengths[:, None]
    items = model.items()
    states = model.states(sequences, items)[:, :-1][there]
    loss: Tensor = torch.nn.functional.cross_entropy(model.scores(states, items), sequences[there])
    return loss


def _batches(lengths: "Tensor", size: int, order: np.random.Generator) -> "list[Tensor]":
    """Cut a random order into batches; within every few of them, sequences of like length are put together."""
    torch = torch_module()
    rows = order.permutation(len(lengths))
    batches = []
    for start in range(0, len(rows), _POOL * size):
        pool = rows[start : start + _POOL * size]
        pool = pool[np.argsort(lengths.numpy()[pool], kind="stable")]
        batches += [torch.from_numpy(pool[at : at + size]) for at in range(0, len(pool), size)]
    return [batches[number] for number in order.permutation(len(batches))]


def _padded(sequences: Sequence[Sequence[int]]) -> "tuple[Tensor, Tensor]":
    torch = torch_module()
    sequences = [each[-LONGEST:] for each in sequences]
    lengths = torch.tensor([len(each) for each in sequences])
    padded = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.long)
    for row, each in enumerate(sequences):
        padded[row, : len(each)] = torch.tensor(each)
    return padded, lengths
