"""Train the head of a domain expert with PyTorch: a linear layer over words and vectors, by the two-phase loss."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.expert.features import LabelledFeatures, LinearPart
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.updates import Progress, tell

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from torch import Tensor


LEAST_PROBABILITY = 1e-7
"""Lower bound of probabilities before a logarithm."""


class TwoPhaseLoss:
    """Focal loss before step `gate`, bootstrap loss after it (Dual-Expert, equation 3).

    `alpha` (C,) are class weights. `gamma` is the focusing parameter of phase 1; `beta` the weight of the given label
    against the model's prediction in phase 2. Without `focal` the first phase is cross-entropy, without `bootstrap`
    there is no second phase.
    """

    def __init__(
        self,
        alpha: "Tensor",
        gamma: float,
        beta: float,
        gate: int,
        *,
        focal: bool = True,
        bootstrap: bool = True,
    ) -> None:
        self.alpha = alpha
        self.gamma = gamma
        self.beta = beta
        self.gate = gate
        self.focal = focal
        self.bootstrap = bootstrap

    def __call__(self, logits: "Tensor", targets: "Tensor", step: int) -> "Tensor":
        """Return the mean loss of logits (n, C) against targets (n, C), whose rows sum to 1, as a scalar."""
        if self.bootstrap and step >= self.gate:
            return bootstrap_loss(logits, targets, self.beta)
        if self.focal:
            return focal_loss(logits, targets, self.alpha, self.gamma)
        return cross_entropy(logits, targets)


def cross_entropy(logits: "Tensor", targets: "Tensor") -> "Tensor":
    """Return the mean cross-entropy."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def focal_loss(logits: "Tensor", targets: "Tensor", alpha: "Tensor", gamma: float) -> "Tensor":
    """Return the focal loss (equation 1), a mean over rows, which down-weights by (1 - q) ** gamma."""
    logs = logits.log_softmax(dim=1)
    weights = alpha * (1 - logs.exp()).clamp(min=LEAST_PROBABILITY) ** gamma
    return -(targets * weights * logs).sum(dim=1).mean()


def bootstrap_loss(logits: "Tensor", targets: "Tensor", beta: float) -> "Tensor":
    """Return the bootstrap loss (equation 2), a mean over rows: given labels by beta, predictions by 1 - beta.

    The first two terms are the binary cross-entropy of every category; the third is soft bootstrapping (Reed et al.
    2014).
    """
    logs = logits.log_softmax(dim=1)
    believed = logs.exp()
    others = (1 - believed).clamp(min=LEAST_PROBABILITY).log()
    given = targets * logs + (1 - targets) * others
    return -(beta * given + (1 - beta) * believed * logs).sum(dim=1).mean()


SCALE = 10.0
"""The factor of a layer's sums: features have unit length, and a logit of 10 is a confident one."""

RATE = 0.03
LEAST = 1e-10


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How the head is trained; settings as in `[expert]`."""

    focal: bool = False
    alpha: float = 0.25
    gamma: float = 1.0
    bootstrap: bool = False
    beta: float = 0.8
    gate: float = 0.25
    epochs: int = 4
    patience: int = 2
    batch: int = 256
    learning_rate: float = RATE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A trained layer, the number of epochs, and the best epoch (from 1)."""

    part: LinearPart
    epochs: int
    best: int


def train_head(
    train: LabelledFeatures,
    held: LabelledFeatures | None,
    settings: HeadSettings,
    stage: str = "",
) -> FittedHead:
    """Train on rows; with `held` rows, stop after `patience` epochs without gain in accuracy and return the best.

    Without `held` all epochs are run. `stage` names them in progress updates; "" reports none. Uses a GPU if there is
    one. Raises MissingExtraError without PyTorch.
    """
    training = Training(train, settings)
    best, kept, since = -1.0, None, 0
    made = chosen = 0
    for epoch in range(1, settings.epochs + 1):
        training.epoch()
        made = epoch
        if stage:
            tell(Progress(stage, epoch, settings.epochs))
        if held is None:
            chosen = epoch
            continue
        part = training.part()
        found = accuracy(part, held)
        since += 1
        if found > best:
            best, kept, chosen, since = found, part, epoch, 0
        if since >= settings.patience and training.past_gate:
            break
    return FittedHead(kept or training.part(), made, chosen)


class Training:
    """The layer and the state of its optimizer (AdaGrad)."""

    def __init__(self, rows: LabelledFeatures, settings: HeadSettings) -> None:
        torch = torch_module()
        self.torch, self.rows, self.settings = torch, rows, settings
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.step = 0
        self.generator = torch.Generator().manual_seed(settings.seed)
        classes, width = rows.targets.shape[1], rows.features.vectors.shape[1]
        self.words = torch.zeros((rows.features.words.shape[1], classes), device=self.device)
        self.vectors = torch.zeros((width, classes), device=self.device)
        self.bias = torch.zeros((1, classes), device=self.device)
        self.parameters = (self.words, self.vectors, self.bias)
        self.sums = tuple(map(torch.zeros_like, self.parameters))
        self.every = torch.arange(width, device=self.device)
        steps = max(1, -(-len(rows.features) // settings.batch)) * settings.epochs
        self.gate = round(settings.gate * steps)
        self.loss = TwoPhaseLoss(
            self.alpha(),
            settings.gamma,
            settings.beta,
            self.gate,
            focal=settings.focal,
            bootstrap=settings.bootstrap,
        )

    @property
    def past_gate(self) -> bool:
        """Whether phase 2 has begun, or there is none."""
        return not self.settings.bootstrap or self.step >= self.gate

    def alpha(self) -> Any:
        """Return class weights (C,): (products of a class) ** -alpha, with mean 1 over the rows."""
        counts = np.asarray(self.rows.targets.sum(axis=0)).ravel()
        weights = np.maximum(counts, 1.0) ** -self.settings.alpha
        mean = float((weights * counts).sum() / max(counts.sum(), 1e-9))
        return self.torch.tensor(weights / max(mean, 1e-9), dtype=self.torch.float32, device=self.device)

    def epoch(self) -> None:
        """Run one epoch over the shuffled rows."""
        order = self.torch.randperm(len(self.rows.features), generator=self.generator).numpy()
        with self.torch.no_grad():
            for start in range(0, len(order), self.settings.batch):
                self.train_batch(order[start : start + self.settings.batch])

    def train_batch(self, places: NDArray[np.int64]) -> None:
        """Make one sparse AdaGrad step (Duchi et al. 2011), which updates only the rows of words in the batch."""
        part = self.rows.features.take(places)
        vectors = self.tensor(part.vectors)
        scores = SCALE * (self.sparse_product(part.words, self.words) + vectors @ self.vectors + self.bias)
        slope = SCALE * self.gradient(scores, self.tensor(self.rows.targets[places].toarray()))
        turned = part.words.T.tocsr()
        used = np.flatnonzero(np.diff(turned.indptr))
        self.update(0, self.torch.from_numpy(used).to(self.device), self.sparse_product(turned[used], slope))
        self.update(1, self.every, vectors.T @ slope)
        self.update(2, self.every[:1], slope.sum(dim=0, keepdim=True))
        self.step += 1

    def gradient(self, scores: Any, targets: Any) -> Any:
        """Return the gradient of the loss with respect to the scores (n, C)."""
        with self.torch.enable_grad():
            scores.requires_grad_()
            return self.torch.autograd.grad(self.loss(scores, targets, self.step), scores)[0]

    def update(self, which: int, rows: Any, slope: Any) -> None:
        """Update rows of a parameter by their gradient, which is overwritten."""
        total = self.sums[which]
        seen = total.index_select(0, rows).addcmul_(slope, slope)
        total.index_copy_(0, rows, seen)
        slope.div_(seen.sqrt_().add_(LEAST))
        self.parameters[which].index_add_(0, rows, slope, alpha=-self.settings.learning_rate)

    def sparse_product(self, words: "csr_matrix", matrix: Any) -> Any:
        """Return the product of a sparse and a dense matrix."""
        if not words.shape[0]:
            return matrix.new_zeros((0, matrix.shape[1]))
        torch = self.torch
        places = torch.from_numpy(words.indices.astype(np.int64)).to(self.device)
        starts = torch.from_numpy(words.indptr[:-1].astype(np.int64)).to(self.device)
        weights = self.tensor(words.data)
        return torch.nn.functional.embedding_bag(
            places, matrix, starts, mode="sum", per_sample_weights=weights
        )

    def tensor(self, values: Any) -> Any:
        """Copy an array to the layer's device."""
        return self.torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def part(self) -> LinearPart:
        """Return a copy of the current layer in NumPy."""
        words, vectors, bias = (SCALE * each.cpu().numpy() for each in self.parameters)
        return LinearPart(words, vectors, bias[0])


def accuracy(part: LinearPart, held: LabelledFeatures) -> float:
    """Return the share of rows whose likeliest category is right."""
    best = part.scores(held.features).argmax(axis=1)
    return float(np.mean(np.asarray(held.targets[np.arange(len(best)), best]).ravel() > 0))


def torch_module() -> Any:
    """Import PyTorch; MissingExtraError without it."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "train") from None
    return torch
