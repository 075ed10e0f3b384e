"""Open the models a workspace's settings name, each once, and put agents on them."""

from functools import cached_property
from typing import TYPE_CHECKING

from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.agents.retriever import Retriever
from taxonaut.agents.texts import label_text
from taxonaut.models.catalog import open_answers, open_embedder
from taxonaut.models.encoder import TextScorer
from taxonaut.models.stored_embedder import StoredEmbedder
from taxonaut.state.ids import LabelId

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
        self.embedders: dict[str, TextScorer] = {}

    def reconfigured(self, config: "Config") -> "Wiring":
        """Return the same wiring under other settings; the opened embedders are shared."""
        other = Wiring(config, self.index, self.embeddings, self.cache, self.prompts)
        other.embedders = self.embedders
        return other

    @cached_property
    def embedder(self) -> "Embedder":
        """The workspace's embedder."""
        return self.scorer_of(self.config.embeddings).embedder

    @cached_property
    def stored(self) -> StoredEmbedder:
        """The workspace's embedder before the vectors it keeps."""
        return StoredEmbedder(self.embedder, self.embeddings)

    @cached_property
    def scorer(self) -> TextScorer:
        """Scores texts against labels with the workspace's embedder."""
        return self.scorer_of(self.config.embeddings)

    def scorer_of(self, settings: "ModelSettings") -> TextScorer:
        """Return the scorer over one embedder; equal settings share it, and with it the phrases it knows."""
        key = f"{settings.model} {settings.api_base}"
        if key not in self.embedders:
            self.embedders[key] = TextScorer(open_embedder(settings))
        return self.embedders[key]

    def answers(self, settings: "ModelSettings") -> "Answers":
        """Open the model of one role."""
        return open_answers(settings, self.scorer_of, self.embeddings, self.cache)

    def navigator(self) -> Navigator:
        """Return the navigator on its configured model."""
        walk = self.config.walk
        settings = NavigatorSettings(task=self.config.task.description, most=walk.branches, seed=walk.seed)
        return Navigator(self.answers(self.config.models.navigator), self.prompts, settings)

    def general_expert(self) -> GeneralExpert:
        """Return the general expert on its configured model."""
        walk = self.config.walk
        settings = ExpertSettings(task=self.config.task.description, most=walk.top, seed=walk.seed)
        return GeneralExpert(self.answers(self.config.models.general_expert), self.prompts, settings)

    def retriever(self) -> Retriever:
        """Return dense retrieval over all labels of the index."""
        return Retriever(self.scorer, self.label_vectors)

    def label_vectors(self) -> "tuple[Sequence[LabelId], Matrix]":
        """Return every label with its vector, embedding those that are new."""
        labels = self.index.all_labels()
        paths = self.index.paths_of([label.id for label in labels])
        texts = [label_text(label, (paths.get(label.id) or [()])[0]) for label in labels]
        return [label.id for label in labels], self.stored.lookup(texts)

    def close(self) -> None:
        """Free the models that live in this process."""
        for scorer in self.embedders.values():
            close = getattr(scorer.embedder, "close", None)
            if close is not None:
                close()
        self.embedders.clear()
