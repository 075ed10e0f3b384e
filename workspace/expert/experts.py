"""The store of a workspace's trained experts: a folder with a model card for each."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.expert.classifier import Classifier
from taxonaut.models.expert.trained_expert import HEAD, ServedHead, open_expert
from taxonaut.state.errors import DiskError, InputError, NotFoundError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.workspace_folder import EXPERTS_FOLDER
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.numbered_folders import CARD, C, NumberedFolders
from taxonaut.workspace.expert.training_data import Example, inner_labels

EXAMPLES = "examples.jsonl"
ENCODER = "encoder"
"""The kind of an expert with a fine-tuned encoder, and the encoder's folder in the expert's."""

TRAIN = "taxonaut expert train ITEMS"


@dataclass(frozen=True, slots=True)
class ExpertCard:
    """The model card of a trained expert; all values are plain JSON.

    `data` is `TrainingData.summary`; `settings` the table [expert] as used, and the embedder; `metrics` those of
    the dev part, as shares: `accuracy`, `macro_f1`, `calibration_error` (after scaling), and `seconds`. `made` is
    a UTC time, ISO 8601. An unsaved card has number 0.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    made: str = ""

    @property
    def name(self) -> str:
        """The model string in decision rows."""
        return f"expert/{self.number}"


class Experts(NumberedFolders):
    """The trained experts of a workspace, in `experts/<number>/`; deleting a folder removes an expert.

    Unreadable files raise WorkspaceError.
    """

    def __init__(self, workspace: Core) -> None:
        super().__init__(workspace.folder / EXPERTS_FOLDER)
        self.workspace = workspace

    def cards(self) -> list[ExpertCard]:
        """Return all cards, newest last."""
        return [self.card(number) for number in self.numbers()]

    def card(self, number: int | None = None) -> ExpertCard:
        """Return an expert's card, by default the newest's. Raises NotFoundError."""
        numbers = self.numbers()
        if not numbers:
            raise NotFoundError(f"no expert was trained in {str(self.workspace.folder)!r} yet: {TRAIN}")
        if number is None:
            number = numbers[-1]
        if number not in numbers:
            there = ", ".join(map(str, numbers))
            raise NotFoundError(f"there is no expert {number}; there are: {there}")
        with self.expert_file(number, CARD) as path:
            values = json.loads(path.read_text(encoding="utf-8"))
            parts = {name: dict(values[name]) for name in ("data", "settings", "metrics")}
            return ExpertCard(str(values["kind"]), **parts, number=number, made=str(values["made"]))

    @contextmanager
    def expert_file(self, number: int, name: str) -> Iterator[Path]:
        """Yield the path of an expert's file; errors in the block become a WorkspaceError."""
        path = self.path(number) / name
        try:
            yield path
        except FileNotFoundError:
            said = "does not exist"
        except OSError as error:
            said = f"cannot be read: {error.strerror}"
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile) as error:
            said = f"is damaged: {error!r}"
        else:
            return
        raise WorkspaceError(
            f"{str(path)!r} {said}; restore it, or delete the folder {str(self.path(number))!r} and train again: "
            f"{TRAIN}"
        )

    def save(
        self, card: ExpertCard, write: Callable[[Path], None], examples: Sequence[Example] = ()
    ) -> ExpertCard:
        """Save a new expert atomically, and return its card with number and date.

        `write` is called with the folder to write the model's files to. `examples` are the training products.
        Raises DiskError.
        """
        with self.staging_folder() as new:
            write(new)
            write_examples(new / EXAMPLES, examples)
            made = datetime.now(UTC).isoformat(timespec="seconds")
            return self.add(new, replace(card, made=made))

    def add(self, new: Path, card: C) -> C:
        """Write the card; scores that were opened before the new expert are forgotten."""
        card = super().add(new, card)
        self.workspace.wiring.forget_scores()
        return card

    def disk_error(self, error: OSError) -> DiskError:
        """Return the error for an expert that cannot be saved."""
        return DiskError(
            f"cannot write to {str(self.folder)!r}: {error.strerror or error}; free disk space or change the "
            "permissions, and train again"
        )

    def remove(self, number: int) -> None:
        """Delete an expert. Raises NotFoundError."""
        if number not in self.numbers():
            self.card(number)
        shutil.rmtree(self.path(number))
        self.workspace.wiring.forget_scores()

    def classifier(self, number: int | None = None, *, keep_vectors: bool = True) -> Classifier:
        """Open an expert, by default the newest, over the current categories.

        A classifier injected by `Workspace.open` replaces all experts. Categories that were merged, replaced or
        renumbered since its training are answered as what they are today; retired ones are not answered. Leaf
        categories added since its training are scored zero-shot. Vectors come from the expert's own encoder or the
        workspace's embedder; with `keep_vectors` those of new texts are stored. Raises as `card` and the embedder
        do, and WorkspaceError if the expert was trained with another embedder.
        """
        card, wiring = self.card(number), self.workspace.wiring
        if wiring.injected.classifier is not None:
            return wiring.injected.classifier
        with self.expert_file(card.number, HEAD) as path:
            head = ServedHead.load(path.parent)
        texts = wiring.label_texts()
        index = self.workspace.index
        resolved = {label: index.resolve(label) for label in head.labels if label not in texts}
        present = {label: now.labels[0] for label, now in resolved.items() if now.kind == "mapped"}
        passed = {*head.labels, *present.values(), *inner_labels(index)}
        later = {label: text for label, text in texts.items() if label not in passed}
        stored = self.open_embedder(card)
        embed = stored.lookup if keep_vectors else stored.embed
        return open_expert(head, card.number, embed, texts.keys(), later, present)

    def open_embedder(self, card: ExpertCard) -> StoredEmbedder:
        """Open an expert's embedder."""
        wiring, wanted = self.workspace.wiring, card.settings.get("embedder")
        if card.kind == ENCODER:
            with self.expert_file(card.number, ENCODER) as path:
                path.stat()
                try:
                    stored = wiring.encoder_in(path)
                except InputError as error:
                    raise ValueError(str(error)) from None
                if stored.embedder.name != wanted:
                    raise ValueError(f"the files of {wanted!r} were changed")
            return stored
        given = wiring.frozen.embedder.name
        if wanted not in (None, given):
            raise WorkspaceError(
                f"expert {card.number} was trained with the embedder {wanted!r}, but the workspace's is {given!r}: "
                f"restore [embeddings], or train again: {TRAIN}"
            )
        return wiring.frozen

    def examples(self, number: int | None = None) -> dict[LabelId, list[Example]]:
        """Return an expert's training products by category as it is called today, in order."""
        card = self.card(number)
        found: dict[LabelId, list[Example]] = {}
        with self.expert_file(card.number, EXAMPLES) as path:
            for example in read_examples(path):
                for label in self.workspace.index.present(example.labels):
                    found.setdefault(label, []).append(example)
        return found


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Write products as JSON lines, as `expert train` reads them."""
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for each in examples:
            row: dict[str, Any] = {"id": each.item.id, "text": each.item.text, "labels": list(each.labels)}
            if each.item.columns:
                row["columns"] = each.item.columns
            if each.popularity:
                row["popularity"] = each.popularity
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_examples(path: Path) -> Iterator[Example]:
    """Read products from JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            labels = tuple(LabelId(str(label)) for label in row["labels"])
            columns = tuple((str(name), str(text)) for name, text in row.get("columns", ()))
            item = Item(ItemId(str(row["id"])), str(row["text"]), columns)
            yield Example(item, labels, float(row.get("popularity", 0.0)))
