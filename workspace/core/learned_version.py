"""A learned version that is in use: the embedder and the scores that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from taxonaut.models.adapt import adapter, neighbour_votes
from taxonaut.models.adapt.adapter import AdaptedEmbedder, Adapter
from taxonaut.models.adapt.finetuning import ENCODER
from taxonaut.models.adapt.neighbour_votes import NeighbourVotes, load_exemplars
from taxonaut.models.embedder import Embedder, embed_queries
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.models.score_sources import WeightedSource
from taxonaut.state.errors import ModelError, WorkspaceError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.workspace.core.learned_versions import LearnedCard

Examples = list[tuple[str, tuple[LabelId, ...], float]]


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
