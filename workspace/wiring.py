"""Open the models a workspace's settings name, each once, and put agents on them."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.agents.retriever import Retriever
from taxonaut.agents.texts import PATH_SEPARATOR, label_text
from taxonaut.models.catalog import open_answers, open_embedder
from taxonaut.models.encoder import LabelSpace, ScoreSettings, TextScorer, option_vectors
from taxonaut.models.phrases import PhraseSettings
from taxonaut.models.stored_embedder import StoredEmbedder
from taxonaut.state.ids import LabelId
from taxonaut.workspace.native_tree import NativeTreeBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taxonaut.models.embedder import Embedder, Matrix
    from taxonaut.models.requests import Answers
    from taxonaut.models.settings import ModelSettings
    from taxonaut.prompts.library import PromptLibrary
    from taxonaut.state.cache import ResponseCache
    from taxonaut.state.embeddings import Embeddings
    from taxonaut.state.index import Index
    from taxonaut.workspace.config import Config


NATIVE = NativeTreeBuilder.name


class Wiring:
    """Models and agents of one workspace, opened when first used and closed together."""

    def __init__(
        self,
        config: "Config",
        index: "Index",
        embeddings: "Embeddings",
        cache: "ResponseCache",
        prompts: "PromptLibrary",
    ) -> None:
        self.config = config
        self.index = index
        self.embeddings = embeddings
        self.cache = cache
        self.prompts = prompts
        self.embedders: dict[str, Embedder] = {}
        self.scorers: dict[str, TextScorer] = {}

    def reconfigured(self, config: "Config") -> "Wiring":
        """Return the same wiring under other settings; the opened embedders are shared."""
        other = Wiring(config, self.index, self.embeddings, self.cache, self.prompts)
        other.embedders, other.scorers = self.embedders, self.scorers
        return other

    @property
    def native(self) -> bool:
        """Whether the tree is the person's own: its paths then say what a label means."""
        return self.index.tree_method() == NATIVE

    @cached_property
    def stored(self) -> StoredEmbedder:
        """The workspace's embedder before the vectors it keeps."""
        return StoredEmbedder(self.embedder_of(self.config.embeddings), self.embeddings)

    @property
    def scorer(self) -> TextScorer:
        """Scores texts against labels with the workspace's embedder."""
        return self.scorer_of(self.config.embeddings)

    def embedder_of(self, settings: "ModelSettings") -> "Embedder":
        """Open an embedder, once for equal settings."""
        key = embedder_key(settings)
        if key not in self.embedders:
            self.embedders[key] = open_embedder(settings)
        return self.embedders[key]

    def scorer_of(self, settings: "ModelSettings") -> TextScorer:
        """Return the scorer over one embedder; equal settings share it, and with it the phrases it knows."""
        key = f"{embedder_key(settings)} {self.index.version()}"
        if key not in self.scorers:
            embedder = self.embedder_of(settings)
            texts = list(self.label_texts().values())
            vectors = (
                option_vectors(texts, StoredEmbedder(embedder, self.embeddings).lookup) if texts else None
            )
            names = [text.rpartition(PATH_SEPARATOR)[2] for text in texts]
            space = LabelSpace.of(names, vectors) if vectors is not None else None
            self.scorers[key] = TextScorer(embedder, self.score_settings(), space)
        return self.scorers[key]

    def score_settings(self) -> ScoreSettings:
        """Return how texts are scored, as the settings have it."""
        scoring = self.config.scoring
        phrases = replace(PhraseSettings(), limit=scoring.phrases)
        return ScoreSettings(mix=scoring.mix, centring=scoring.centring, phrases=phrases)

    def answers(self, settings: "ModelSettings") -> "Answers":
        """Open the model of one role."""
        return open_answers(settings, self.scorer_of, self.embeddings, self.cache)

    def navigator(self) -> Navigator:
        """Return the navigator on its configured model."""
        walk = self.config.walk
        settings = NavigatorSettings(
            task=self.config.task.description, most=walk.branches, native=self.native, seed=walk.seed
        )
        return Navigator(self.answers(self.config.models.navigator), self.prompts, settings)

    def general_expert(self) -> GeneralExpert:
        """Return the general expert on its configured model."""
        walk = self.config.walk
        settings = ExpertSettings(
            task=self.config.task.description, most=walk.top, native=self.native, seed=walk.seed
        )
        return GeneralExpert(self.answers(self.config.models.general_expert), self.prompts, settings)

    def retriever(self) -> Retriever:
        """Return dense retrieval over all labels of the index."""
        return Retriever(self.scorer, self.label_vectors)

    def label_vectors(self) -> "tuple[Sequence[LabelId], Matrix]":
        """Return every label with its vector, embedding those that are new."""
        texts = self.label_texts()
        return list(texts), option_vectors(list(texts.values()), self.stored.lookup)

    def label_texts(self) -> dict[LabelId, str]:
        """Return the text that each label is compared by, in import order."""
        labels, native = self.index.all_labels(), self.native
        paths = self.index.paths_of([label.id for label in labels]) if native else {}
        return {label.id: label_text(label, (paths.get(label.id) or [()])[0], native) for label in labels}

    def close(self) -> None:
        """Free the models that live in this process."""
        for embedder in self.embedders.values():
            close = getattr(embedder, "close", None)
            if close is not None:
                close()
        self.embedders.clear()
        self.scorers.clear()


def embedder_key(settings: "ModelSettings") -> str:
    """What makes two embedders the same."""
    return f"{settings.model} {settings.api_base}"
