"""What a workspace learned: its versions, which one is in use, and the embedder and scores that one gives."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from taxonaut.models.adapt import adapter, neighbour_votes
from taxonaut.models.adapt.adapter import AdaptedEmbedder, Adapter
from taxonaut.models.adapt.finetuning import ENCODER
from taxonaut.models.adapt.neighbour_votes import NeighbourVotes, load_exemplars
from taxonaut.models.embedder import Embedder, embed_queries
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.models.score_sources import WeightedSource
from taxonaut.state.errors import InputError, ModelError, NotFoundError, WorkspaceError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.workspace_folder import LEARNED_FOLDER
from taxonaut.workspace.core.numbered_folders import CARD, NumberedFolders

LOG = "log.jsonl"

Examples = list[tuple[str, tuple[LabelId, ...], float]]


@dataclass(frozen=True, slots=True)
class LearnedCard:
    """The card of a learned version; all values are plain JSON.

    `embedder` names the vectors it was learned on. `learners` has what each learner says of itself, by name: those
    that are there are used. `sources` has weight and exponent of each source of scores, by name, and `unknown` what
    each says of labels that it does not know (`WeightedSource`). `data` counts what it was learned from, `settings`
    are those it was learned with, `measures` those of the gate. `parent` is the version in use when it was learned, 0
    for none; `made` a UTC time, ISO 8601. An unsaved card has number 0.
    """

    embedder: str
    learners: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, float] = field(default_factory=dict)
    parent: int = 0
    number: int = 0
    made: str = ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """From when on which version was in use, 0 for none, and why; `is_undo`: it took an earlier change back."""

    number: int
    reason: str
    made: str
    is_undo: bool = False


@dataclass(eq=False)
class LearnedVersion:
    """A version's card and folder, opened on first use. Raises WorkspaceError for damaged files."""

    card: LearnedCard
    folder: Path

    @property
    def identity(self) -> int | str:
        """What fingerprints say of it: its number, or, of a round that is no version yet, its folder's name."""
        return self.card.number or f"{self.folder.parent.name}/{self.folder.name}"

    def adapt(self, base: Embedder) -> Embedder:
        """Return an embedder with what was learned: the fine-tuned encoder in its place, and the adapter's map.

        `base` is the workspace's embedder, or `encoder` with phrases kept. Raises WorkspaceError if it is not the one
        that was learned with.
        """
        if self.encoder is not None:
            base = base if base.name == self.encoder.name else self.encoder
        elif base.name != self.card.embedder:
            raise WorkspaceError(
                f"version {self.card.number} was learned with the embedder {self.card.embedder!r}, but the "
                f"workspace's is {base.name!r}: restore [embeddings], learn again (taxonaut learn ITEMS), or go "
                "back: taxonaut learn undo"
            )
        return base if self.adapter is None else AdaptedEmbedder(base, self.adapter)

    @cached_property
    def adapter(self) -> Adapter | None:
        """The map on vectors, if one was learned."""
        if not (self.folder / adapter.FILE).is_file():
            return None
        try:
            return Adapter.load(self.folder)
        except (OSError, ValueError, KeyError) as error:
            raise self._damaged(adapter.FILE, error) from None

    @cached_property
    def encoder(self) -> Embedder | None:
        """The fine-tuned encoder, if there is one."""
        folder = self.folder / ENCODER
        if not folder.is_dir():
            return None
        try:
            return OnnxEmbedder(folder)
        except ModelError as error:
            raise self._damaged(ENCODER, error) from None

    @cached_property
    def examples(self) -> Examples:
        """The labelled texts that vote, if there are any."""
        if not (self.folder / neighbour_votes.FILE).is_file():
            return []
        try:
            return load_exemplars(self.folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(neighbour_votes.FILE, error) from None

    def sources(self, index: Index, stored: StoredEmbedder) -> list[WeightedSource]:
        """Return the sources of scores over the labels that the index has now; `stored` is the adapted embedder."""
        shares: Mapping[str, tuple[float, float]] = self.card.sources
        weight, exponent = shares.get(NeighbourVotes.name, (0.0, 1.0))
        if not weight:
            return []
        present = [
            (text, tuple(filter(index.has_label, index.present(labels))), given)
            for text, labels, given in self.examples
        ]
        known = [(text, labels, given) for text, labels, given in present if labels]
        if not known:
            return []
        votes = NeighbourVotes(known, stored.lookup, lambda texts: embed_queries(stored.embedder, texts))
        unknown = self.card.unknown.get(NeighbourVotes.name, 0.0)
        return [WeightedSource(votes, weight, exponent, unknown)]

    def _damaged(self, name: str, error: Exception) -> WorkspaceError:
        return WorkspaceError(
            f"{str(self.folder / name)!r} cannot be read ({error}); restore it, or go back: taxonaut learn undo"
        )


class VersionStore(NumberedFolders):
    """The learned versions in `learned/<number>/` of a workspace, and the log of which was in use.

    The log is append-only: its last row holds. Unreadable files raise WorkspaceError.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / LEARNED_FOLDER)

    def card(self, number: int) -> LearnedCard:
        """Return a version's card. Raises NotFoundError."""
        if number not in self.numbers():
            there = ", ".join(map(str, self.numbers())) or "none"
            raise NotFoundError(f"there is no learned version {number}; there are: {there}")
        with self.reading(self.path(number) / CARD) as path:
            values = json.loads(path.read_text(encoding="utf-8"))
            sources = {name: (float(pair[0]), float(pair[1])) for name, pair in values["sources"].items()}
            names = ("embedder", "learners", "data", "settings", "measures", "parent", "made")
            given = {name: values[name] for name in names}
            unknown = {name: float(value) for name, value in values.get("unknown", {}).items()}
            return LearnedCard(**given, sources=sources, unknown=unknown, number=number)

    def log(self) -> list[Adoption]:
        """Return the log, oldest first."""
        path = self.folder / LOG
        if not path.is_file():
            return []
        with self.reading(path):
            rows = [
                json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
            ]
            return [
                Adoption(int(row["number"]), str(row["reason"]), str(row["made"]), bool(row.get("is_undo")))
                for row in rows
            ]

    def in_use(self) -> LearnedCard | None:
        """Return the card of the version in use, None if none is."""
        log = self.log()
        return self.card(log[-1].number) if log and log[-1].number else None

    def use(self, number: int, reason: str, *, is_undo: bool = False) -> Adoption:
        """Use a version from now on, 0 for none. Raises NotFoundError and DiskError."""
        if number:
            self.card(number)
        row = Adoption(number, reason, _now(), is_undo)
        try:
            self.folder.mkdir(exist_ok=True)
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self.disk_error(error) from None
        return row

    def undo(self) -> Adoption:
        """Take back the last change that was not taken back yet. Raises InputError if there is none."""
        standing = [0]
        for row in self.log():
            if row.is_undo:
                standing.pop()
            else:
                standing.append(row.number)
        if len(standing) == 1:
            said = "every change was taken back already" if self.log() else "nothing was adopted yet"
            raise InputError(f"{said}, so there is nothing to undo")
        return self.use(standing[-2], f"undo of {standing[-1] or 'none'}", is_undo=True)

    def save(self, card: LearnedCard, write: Callable[[Path], None]) -> LearnedCard:
        """Save a new version atomically; `write` writes the learners' files to a folder. Raises DiskError."""
        with self.staging_folder() as new:
            write(new)
            return self.add(new, replace(card, made=_now()))

    @contextmanager
    def reading(self, path: Path) -> Iterator[Path]:
        """Yield a path; errors in the block become a WorkspaceError."""
        try:
            yield path
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(
                f"{str(path)!r} cannot be read ({error}); restore it, or use another version: taxonaut learn undo"
            ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
