"""A transformer encoder with a linear head on its unit vectors, as one network."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.models.transformer_folder import CONFIG, OpenTransformer, batches, quiet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_TEXTS_AT_ONCE, _TOKENS_AT_ONCE = 256, 16_384


@dataclass(frozen=True, slots=True)
class Rows:
    """Tokenized texts and the columns of each text's categories."""

    ids: list[list[int]]
    targets: list[tuple[int, ...]]

    def lengths(self) -> list[int]:
        """Count each text's tokens."""
        return [len(row) for row in self.ids]


class TunedNetwork:
    """An encoder and a head of `classes` columns, on the GPU if there is one."""

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
        """List all weights."""
        return [*self.encoder.parameters(), *self.head.parameters()]

    def vectors(self, ids: Sequence[Sequence[int]]) -> "Tensor":
        """Embed a batch: unit vectors of shape (len(ids), width), float32."""
        with self._autocast():
            vectors = self.opened.unit_vectors(ids)
        return vectors.float()

    def logits(self, vectors: "Tensor") -> "Tensor":
        """Score unit vectors, stretched so that a component is about 1, which is what AdamW's steps fit."""
        import torch

        stretched = vectors * math.sqrt(self.width)
        dropped = torch.nn.functional.dropout(stretched, self.dropout, self.encoder.training)
        logits: Tensor = self.head(dropped)
        return logits

    def embedded(self, rows: Rows) -> "Tensor":
        """Embed all rows without a gradient, in their order."""
        import torch

        training = self.encoder.training
        self.encoder.eval()
        vectors = torch.empty(len(rows.ids), self.width, device=self.device)
        with torch.no_grad():
            for places in batches(rows.lengths(), _TEXTS_AT_ONCE, _TOKENS_AT_ONCE):
                vectors[places] = self.vectors([rows.ids[place] for place in places])
        self.encoder.train(training)
        return vectors

    def dense(self, targets: Sequence[tuple[int, ...]]) -> "Tensor":
        """Spread each text's target evenly over its columns: shape (len(targets), classes), rows sum to 1."""
        import torch

        dense = torch.zeros(len(targets), self.classes)
        for row, columns in enumerate(targets):
            dense[row, list(columns)] = 1 / len(columns)
        return dense.to(self.device)

    def judge(self, rows: Rows) -> tuple[float, float]:
        """Return accuracy and mean cross-entropy on rows."""
        import torch

        self.encoder.eval()
        with torch.no_grad():
            logits = self.logits(self.embedded(rows))
            loss = torch.nn.functional.cross_entropy(logits, self.dense(rows.targets)).item()
        first = logits.argmax(dim=1).tolist()
        right = sum(column in columns for column, columns in zip(first, rows.targets, strict=True))
        return right / len(first), loss

    def save(self, folder: Path) -> None:
        """Write encoder (safetensors) and tokenizer, without a word on where they came from."""
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
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
