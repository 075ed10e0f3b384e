"""The store of a workspace's trained experts: a folder with a model card for each."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
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
from taxonaut.workspace.expert.training_data import Example, inner_labels

CARD = "card.json"
EXAMPLES = "examples.jsonl"
ENCODER = "encoder"
"""The kind of an expert with a fine-tuned encoder, and the encoder's folder in the expert's."""

UNFINISHED = ".new-"

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


class Experts:
    """The trained experts of a workspace, in `experts/<number>/`; deleting a folder removes an expert.

    Unreadable files raise WorkspaceError.
    """

    def __init__(self, workspace: Core) -> None:
        self.workspace = workspace
        self.folder = workspace.folder / EXPERTS_FOLDER

    def numbers(self) -> list[int]:
        """Return the experts' numbers, ascending."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(
            int(each.name)
            for each in found
            if each.is_dir()
            and each.name.isascii()
            and each.name.isdecimal()
            and str(int(each.name)) == each.name
        )

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

    def path(self, number: int) -> Path:
        """Return an expert's folder."""
        return self.folder / str(number)

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

    @contextmanager
    def staging_folder(self) -> Iterator[Path]:
        """Yield a temporary folder to build an expert in. Raises DiskError for an OSError in the block."""
        new = None
        try:
            self.folder.mkdir(exist_ok=True)
            self.remove_leftovers()
            new = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{os.getpid()}-", dir=self.folder))
            yield new
        except OSError as error:
            raise self.disk_error(error) from None
        finally:
            if new is not None:
                shutil.rmtree(new, ignore_errors=True)

    def add(self, new: Path, card: ExpertCard) -> ExpertCard:
        """Write the card and rename the folder to the next free number."""
        card = replace(card, number=max(self.numbers(), default=0) + 1)
        text = json.dumps(asdict(card), ensure_ascii=False, indent=2)
        (new / CARD).write_text(text + "\n", encoding="utf-8", errors="replace")
        new.chmod(0o755)
        new.rename(self.path(card.number))
        return card

    def remove_leftovers(self) -> None:
        """Delete the temporary folders of killed processes."""
        own = f"{UNFINISHED}{os.getpid()}-"
        for each in self.folder.glob(f"{UNFINISHED}*"):
            if not each.name.startswith(own):
                shutil.rmtree(each, ignore_errors=True)

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

    def classifier(self, number: int | None = None) -> Classifier:
        """Open an expert, by default the newest, over the current categories.

        A classifier injected by `Workspace.open` replaces all experts. Leaf categories added since its training are
        scored zero-shot. Vectors come from the expert's own encoder or the workspace's embedder. Raises as `card`
        and the embedder do, and WorkspaceError if the expert was trained with another embedder.
        """
        card, wiring = self.card(number), self.workspace.wiring
        if wiring.injected.classifier is not None:
            return wiring.injected.classifier
        with self.expert_file(card.number, HEAD) as path:
            head = ServedHead.load(path.parent)
        texts = wiring.label_texts()
        passed = {*head.labels, *inner_labels(self.workspace.index)}
        later = {label: text for label, text in texts.items() if label not in passed}
        return open_expert(head, card.number, self.open_embedder(card).lookup, texts.keys(), later)

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
        given = wiring.stored.embedder.name
        if wanted not in (None, given):
            raise WorkspaceError(
                f"expert {card.number} was trained with the embedder {wanted!r}, but the workspace's is {given!r}: "
                f"restore [embeddings], or train again: {TRAIN}"
            )
        return wiring.stored

    def examples(self, number: int | None = None) -> dict[LabelId, list[Example]]:
        """Return an expert's training products by category, in order."""
        card = self.card(number)
        found: dict[LabelId, list[Example]] = {}
        with self.expert_file(card.number, EXAMPLES) as path:
            for example in read_examples(path):
                for label in example.labels:
                    found.setdefault(label, []).append(example)
        return found


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Write products as JSON lines, as `expert train` reads them."""
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for each in examples:
            row: dict[str, Any] = {"id": each.item.id, "text": each.item.text, "labels": list(each.labels)}
            if each.popularity:
                row["popularity"] = each.popularity
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_examples(path: Path) -> Iterator[Example]:
    """Read products from JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            labels = tuple(LabelId(str(label)) for label in row["labels"])
            item = Item(ItemId(str(row["id"])), str(row["text"]))
            yield Example(item, labels, float(row.get("popularity", 0.0)))
