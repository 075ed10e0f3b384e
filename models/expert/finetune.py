"""Fine-tune a transformer encoder on labelled texts, with a linear head and the two-phase loss (Dual-Expert 3.1)."""

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_space import PATH_SEPARATOR
from taxonaut.models.expert.heads import TwoPhaseLoss
from taxonaut.models.expert.lexical import split_title
from taxonaut.models.expert.transformer import (
    OpenTransformer,
    batch_by_length,
    open_transformer,
    silence_transformers,
)
from taxonaut.models.onnx.folder import CONFIG
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

MASKED = 0.5
"""Share of the ancestors that are masked in a path."""


def make_synthetic_texts(
    texts: Sequence[str], paths: Sequence[Sequence[str]], share: float, seed: int
) -> list[tuple[int, str]]:
    """Make `share` times as many synthetic texts (data augmentation): (index of a product, its new text).

    `paths` are those of the products' categories. A product's title or description is replaced by the path of its
    category, with random ancestors masked; a text that is only a title is replaced by the path.
    """
    chance = random.Random(seed)
    count = round(share * len(texts))
    places = [
        place for _ in range(-(-count // max(len(texts), 1))) for place in shuffle_places(texts, chance)
    ]
    return [(place, insert_path(texts[place], paths[place], chance)) for place in places[:count]]


def shuffle_places(texts: Sequence[str], chance: random.Random) -> list[int]:
    """Return all indices in random order."""
    return chance.sample(range(len(texts)), len(texts))


def insert_path(text: str, path: Sequence[str], chance: random.Random) -> str:
    """Replace a text's title or description by a masked path."""
    title, description = split_title(text)
    shown = mask_path(path, chance)
    if not description:
        return shown
    return f"{shown}. {description}" if chance.random() < 0.5 else f"{title} {shown}"


def mask_path(path: Sequence[str], chance: random.Random) -> str:
    """Mask random names of a path, never the last."""
    kept = [step for step in path[:-1] if chance.random() >= MASKED]
    return PATH_SEPARATOR.join([*kept, path[-1]])


_TEXTS_AT_ONCE, _TOKENS_AT_ONCE = 256, 16_384


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """Tokenized texts, and the category columns of each."""

    ids: list[list[int]]
    targets: list[tuple[int, ...]]

    def lengths(self) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(row) for row in self.ids]


class TunedNetwork:
    """An encoder with a linear head of `classes` columns, on the GPU if there is one."""

    def __init__(self, opened: OpenTransformer, classes: int, dropout: float) -> None:
        import torch

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.opened, self.classes, self.dropout = opened, classes, dropout
        self.encoder = opened.model.to(self.device)
        self.width = int(self.encoder.config.hidden_size)
        self.head = torch.nn.Linear(self.width, classes, device=self.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def parameters(self) -> "list[torch.nn.Parameter]":
        """Return all trainable parameters."""
        return [*self.encoder.parameters(), *self.head.parameters()]

    def vectors(self, ids: Sequence[Sequence[int]]) -> "Tensor":
        """Embed a batch: unit vectors of shape (len(ids), width), float32."""
        with self._autocast():
            vectors = self.opened.unit_vectors(ids)
        return vectors.float()

    def logits(self, vectors: "Tensor") -> "Tensor":
        """Compute the head's logits of unit vectors, scaled so that components are about 1, which suits AdamW."""
        import torch

        stretched = vectors * math.sqrt(self.width)
        dropped = torch.nn.functional.dropout(stretched, self.dropout, self.encoder.training)
        logits: Tensor = self.head(dropped)
        return logits

    def embed_all(self, rows: TokenizedTexts) -> "Tensor":
        """Embed all rows in order, without gradients."""
        import torch

        training = self.encoder.training
        self.encoder.eval()
        vectors = torch.empty(len(rows.ids), self.width, device=self.device)
        with torch.no_grad():
            for places in batch_by_length(rows.lengths(), _TEXTS_AT_ONCE, _TOKENS_AT_ONCE):
                vectors[places] = self.vectors([rows.ids[place] for place in places])
        self.encoder.train(training)
        return vectors

    def dense(self, targets: Sequence[tuple[int, ...]]) -> "Tensor":
        """Return dense targets, uniform over each text's columns: shape (len(targets), classes), rows sum to 1."""
        import torch

        dense = torch.zeros(len(targets), self.classes)
        for row, columns in enumerate(targets):
            dense[row, list(columns)] = 1 / len(columns)
        return dense.to(self.device)

    def evaluate(self, rows: TokenizedTexts) -> tuple[float, float]:
        """Return accuracy and mean cross-entropy on rows."""
        import torch

        self.encoder.eval()
        with torch.no_grad():
            logits = self.logits(self.embed_all(rows))
            loss = torch.nn.functional.cross_entropy(logits, self.dense(rows.targets)).item()
        first = logits.argmax(dim=1).tolist()
        right = sum(column in columns for column, columns in zip(first, rows.targets, strict=True))
        return right / len(first), loss

    def save(self, folder: Path) -> None:
        """Write encoder (safetensors) and tokenizer without console output."""
        folder.mkdir(parents=True, exist_ok=True)
        with silence_transformers():
            self.encoder.save_pretrained(folder, safe_serialization=True)
            self.opened.tokenizer.save_pretrained(folder)
        for path in folder.glob("*.safetensors"):
            path.chmod((folder / CONFIG).stat().st_mode & 0o777)  # written for the owner alone otherwise

    def head_on_unit_vectors(self) -> tuple[Matrix, npt.NDArray[np.float32]]:
        """Copy the head: weight (classes, width) and bias (classes,), both float32."""
        weight = self.head.weight.detach().cpu().numpy() * np.float32(math.sqrt(self.width))
        return weight.astype(np.float32), self.head.bias.detach().cpu().numpy().copy()

    def _autocast(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda")


Targets = Sequence[tuple[int, ...]]
"""The columns of each text's categories, at least one."""

_SMALL_WIDTH = 512
_SMALL_RATE, _LARGE_RATE = 2e-4, 3e-5
_SORTED_TOGETHER = 16
_HEAD_BATCH = 128
_LONGEST_GRADIENT = 1.0


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """How an encoder is fine-tuned.

    `learning_rate` None: 2e-4 up to a width of 512 (MiniLM), 3e-5 above (BERT, XLM-R). It warms up linearly over the
    share `warmup` of all steps and decays linearly to 0. First, `head_epochs` epochs train the head alone on frozen
    vectors, because a random head would distort the encoder. `gate` is a share of all steps; class weights are
    (1 / texts of the class) ** `alpha`. `patience` epochs without gain stop training early.
    """

    epochs: int = 10
    patience: int = 3
    batch: int = 32
    learning_rate: float | None = None
    head_epochs: int = 5
    head_rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1
    max_tokens: int = 128
    alpha: float = 0.25
    gamma: float = 1.0
    beta: float = 0.9
    gate: float = 0.5
    focal: bool = True
    bootstrap: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch; number 0 is the trained head on the original encoder.

    Accuracy is the share of dev texts whose first column is right. Without a dev part both dev values are None.
    """

    number: int
    of: int
    loss: float
    dev_accuracy: float | None
    dev_loss: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Finetuned:
    """A fine-tuned encoder in `folder`, and its head: logits = unit vector @ weight.T + bias.

    `weight` is float32 of shape (classes, width), `bias` (classes,). `epochs` were run, `best` was saved.
    """

    folder: Path
    epochs: int
    best: Epoch
    seconds: float
    device: str
    weight: Matrix
    bias: npt.NDArray[np.float32]

    @property
    def dev_accuracy(self) -> float | None:
        """The dev accuracy of the saved epoch; None without a dev part."""
        return self.best.dev_accuracy


def finetune(
    folder: Path,
    texts: Sequence[str],
    targets: Targets,
    dev_texts: Sequence[str],
    dev_targets: Targets,
    classes: int,
    settings: FinetuneSettings,
    out: Path,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Finetuned:
    """Fine-tune the encoder of `folder` and write it, with its tokenizer, to the folder `out`.

    The best epoch on the dev part is saved: by accuracy, then by loss. Runs on the CPU, or in bfloat16 on a GPU if
    there is one. Deterministic on the CPU; PyTorch's global random state is restored. Raises InputError for a folder
    that is not an encoder, for no texts, and if the loss diverges; MissingExtraError without the extra `train`.
    """
    if not texts or len(texts) != len(targets) or len(dev_texts) != len(dev_targets):
        raise InputError(f"{len(texts)} texts with {len(targets)} targets cannot be trained on")
    if out.resolve() == folder.resolve():
        raise InputError(
            f"{str(folder)!r} would be overwritten by its fine-tuned encoder; give another folder"
        )
    opened = open_transformer(folder)
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = TunedNetwork(opened, classes, settings.dropout)
        train = TokenizedTexts(opened.token_ids(texts, settings.max_tokens), list(targets))
        dev = TokenizedTexts(
            opened.token_ids(dev_texts, settings.max_tokens) if dev_texts else [], list(dev_targets)
        )
        try:
            return _Finetuning(network, train, dev, settings, out).run(on_epoch or (lambda _: None))
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"the GPU has no room for batches of {settings.batch}; set a smaller [expert] batch"
            ) from error


class _Finetuning:
    """The state of one fine-tuning: the step count, and the best epoch."""

    def __init__(
        self,
        network: TunedNetwork,
        train: TokenizedTexts,
        dev: TokenizedTexts,
        settings: FinetuneSettings,
        out: Path,
    ) -> None:
        self.network, self.train, self.dev, self.settings, self.out = network, train, dev, settings, out
        self.steps = settings.epochs * math.ceil(len(train.ids) / settings.batch)
        self.rate = settings.learning_rate or (_SMALL_RATE if network.width <= _SMALL_WIDTH else _LARGE_RATE)
        self.random = np.random.default_rng(settings.seed)
        self.step = 0
        self.best: Epoch | None = None

    def run(self, on_epoch: Callable[[Epoch], None]) -> Finetuned:
        started = begun = time.monotonic()
        epoch = self._evaluate(0, self._train_head(), begun)
        on_epoch(epoch)
        optimizer, schedule = self._optimizer()
        criterion = self._criterion()
        while epoch.number < self.settings.epochs and not self._should_stop(epoch.number):
            begun, number = time.monotonic(), epoch.number + 1
            loss = self._train_epoch(criterion, optimizer, schedule)
            if not math.isfinite(loss):
                raise InputError(
                    f"the loss diverged in epoch {number} at a learning rate of {self.rate:g}; "
                    "set a smaller [expert] learning_rate"
                )
            epoch = self._evaluate(number, loss, begun)
            on_epoch(epoch)
        assert self.best is not None
        seconds = time.monotonic() - started
        return Finetuned(self.out, epoch.number, self.best, seconds, self.network.device, *self.head)

    def _evaluate(self, number: int, loss: float, begun: float) -> Epoch:
        """Evaluate on dev and save the network if it is the best so far, or always without a dev part."""
        accuracy, dev_loss = self.network.evaluate(self.dev) if self.dev.ids else (None, None)
        epoch = Epoch(number, self.settings.epochs, loss, accuracy, dev_loss, time.monotonic() - begun)
        if self.best is None or _merit(epoch) > _merit(self.best):
            self.best, self.head = epoch, self.network.head_on_unit_vectors()
            self.network.save(self.out)
        return epoch

    def _should_stop(self, number: int) -> bool:
        return self.best is not None and number - self.best.number >= self.settings.patience

    def _train_head(self) -> float:
        """Train the head alone by cross-entropy, on vectors of the original encoder."""
        import torch

        how, network = self.settings, self.network
        vectors, size = network.embed_all(self.train), max(how.batch, _HEAD_BATCH)
        steps, loss = how.head_epochs * math.ceil(len(vectors) / size), math.nan
        optimizer = torch.optim.AdamW(network.head.parameters(), how.head_rate, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
        network.encoder.train()
        for _ in range(how.head_epochs):
            losses = []
            order = self.random.permutation(len(vectors)).tolist()
            for start in range(0, len(order), size):
                places = order[start : start + size]
                wanted = network.dense([self.train.targets[place] for place in places])
                each = torch.nn.functional.cross_entropy(network.logits(vectors[places]), wanted)
                losses.append(_step(each, optimizer, schedule))
            loss = float(np.mean(losses))
        return loss

    def _train_epoch(
        self, criterion: "TwoPhaseLoss", optimizer: "Optimizer", schedule: "LRScheduler"
    ) -> float:

        network, losses = self.network, []
        network.encoder.train()
        for places in self._shuffle_batches():
            logits = network.logits(network.vectors([self.train.ids[place] for place in places]))
            wanted = network.dense([self.train.targets[place] for place in places])
            loss = criterion(logits, wanted, self.step)
            losses.append(_step(loss, optimizer, schedule, network.parameters()))
            self.step += 1
        return float(np.mean(losses))

    def _shuffle_batches(self) -> list[list[int]]:
        """Shuffle rows into batches of similar length: little padding, and different batches every epoch."""
        lengths, size = self.train.lengths(), self.settings.batch
        order = self.random.permutation(len(lengths)).tolist()
        groups: list[list[int]] = []
        for start in range(0, len(order), size * _SORTED_TOGETHER):
            part = sorted(order[start : start + size * _SORTED_TOGETHER], key=lengths.__getitem__)
            groups += [part[at : at + size] for at in range(0, len(part), size)]
        return [groups[place] for place in self.random.permutation(len(groups))]

    def _optimizer(self) -> "tuple[Optimizer, LRScheduler]":
        """Return AdamW with weight decay on matrices only, and a schedule of linear warm-up and decay."""
        import torch

        how, parts = self.settings, self.network.parameters()
        groups = [
            {"params": [part for part in parts if part.ndim > 1], "weight_decay": how.weight_decay},
            {"params": [part for part in parts if part.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, self.rate, fused=True)
        warm = max(1, round(how.warmup * self.steps))

        def share(step: int) -> float:
            return min((step + 1) / warm, max(0.0, (self.steps - step) / max(1, self.steps - warm)))

        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)

    def _criterion(self) -> "TwoPhaseLoss":
        import torch

        how = self.settings
        counts = np.bincount([c for row in self.train.targets for c in row], minlength=self.network.classes)
        weights = np.maximum(counts, 1.0) ** -how.alpha
        weights *= counts.sum() / (weights * counts).sum()
        return TwoPhaseLoss(
            torch.tensor(weights, dtype=torch.float32, device=self.network.device),
            how.gamma,
            how.beta,
            int(how.gate * self.steps),
            focal=how.focal,
            bootstrap=how.bootstrap,
        )


def _merit(epoch: Epoch) -> tuple[float, float]:
    if epoch.dev_accuracy is None or epoch.dev_loss is None:
        return float(epoch.number), 0.0
    return epoch.dev_accuracy, -epoch.dev_loss


def _step(
    loss: "Tensor", optimizer: "Optimizer", schedule: "LRScheduler", clipped: "Sequence[Tensor]" = ()
) -> float:
    import torch

    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if clipped:
        torch.nn.utils.clip_grad_norm_(clipped, _LONGEST_GRADIENT)
    optimizer.step()
    schedule.step()
    return loss.item()
