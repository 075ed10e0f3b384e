"""Open the models of a workspace's settings, each once, and create agents on them."""

from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

from taxonaut.agents import general_expert, navigator
from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.agents.retriever import Retriever
from taxonaut.agents.support.exemplars import Exemplars
from taxonaut.agents.support.texts import PATH_SEPARATOR, LabelTable, label_option
from taxonaut.models.catalog import ENCODER, encoder_embedder, open_answers, open_embedder
from taxonaut.models.embedder import Embedder
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.languages import ENGLISH, guess_language
from taxonaut.models.encoder.option_texts import gists, option_vectors
from taxonaut.models.encoder.passages import PassageSettings, fit_passages
from taxonaut.models.encoder.phrases import PhraseSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.stored_vectors import PhraseEmbedder, StoredEmbedder
from taxonaut.models.expert.encoder_export import open_encoder
from taxonaut.models.requests import Answers, OptionText
from taxonaut.models.settings import ENCODER_SETTINGS, ModelSettings
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import NATIVE
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.phrase_vectors import PhraseVectors
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.core.injected import Injected
from taxonaut.workspace.core.language_check import LanguageCheck

if TYPE_CHECKING:
    from pathlib import Path


INJECTED = "given"
"""The key of the caller's embedder."""


class Wiring:
    """Models and agents of one workspace, opened on first use and closed together."""

    def __init__(
        self,
        config: Config,
        index: Index,
        embeddings: Embeddings,
        cache: ResponseCache,
        prompts: PromptLibrary,
        injected: Injected | None = None,
        phrases: PhraseVectors | None = None,
    ) -> None:
        self.config = config
        self.index = index
        self.embeddings = embeddings
        self.cache = cache
        self.prompts = prompts
        self.injected = injected or Injected()
        self.phrases = phrases
        self.embedders: dict[str, Embedder] = {}
        self.scorers: dict[str, TextScorer] = {}
        self.tables: dict[str, LabelTable] = {}
        self.models: dict[str, Answers] = {}
        self.languages = LanguageCheck(config.embeddings, self.injected.embedder)
        self.lock = RLock()
        """Held while a table or scorer is created, so that no other thread creates it again."""

    def with_config(
        self, config: Config, prompts: PromptLibrary | None = None, given: Injected | None = None
    ) -> "Wiring":
        """Return this wiring with other settings; opened models are shared.

        `prompts` replace the templates; the models of `given` are added to those injected before.
        """
        injected = self.injected
        if given is not None:
            injected = replace(injected, models={**injected.models, **given.models})
        prompts = prompts or self.prompts
        other = Wiring(config, self.index, self.embeddings, self.cache, prompts, injected, self.phrases)
        other.embedders, other.scorers, other.tables = self.embedders, self.scorers, self.tables
        other.models, other.lock = self.models, self.lock
        other.languages.told = self.languages.told
        return other

    def with_index(self, index: Index) -> "Wiring":
        """Return this wiring with another index and new scorers and tables; embedders are shared."""
        prompts, given = self.prompts, self.injected
        other = Wiring(self.config, index, self.embeddings, self.cache, prompts, given, self.phrases)
        other.embedders = self.embedders
        other.languages.told = self.languages.told
        return other

    @property
    def native(self) -> bool:
        """Whether the tree is the user's own, so that a label's path is part of its meaning."""
        return self.index.tree_method() == NATIVE

    @cached_property
    def stored(self) -> StoredEmbedder:
        """The workspace's embedder with its stored vectors."""
        return StoredEmbedder(self.embedder_for(self.config.embeddings), self.embeddings)

    @property
    def scorer(self) -> TextScorer:
        """The scorer of texts against labels with the workspace's embedder."""
        return self.scorer_of(self.config.embeddings)

    def embedder_for(self, settings: ModelSettings) -> Embedder:
        """Return the embedder of these settings, opened once; an injected embedder replaces all."""
        with self.lock:
            key = self.embedder_key(settings)
            if key not in self.embedders:
                if self.injected.embedder is None:
                    self.config.check_trusted(settings)
                self.embedders[key] = self.injected.embedder or open_embedder(settings)
            return self.embedders[key]

    def embedder_key(self, settings: ModelSettings) -> str:
        """Return the key by which embedders are shared."""
        if self.injected.embedder is not None:
            return INJECTED
        return " ".join(str(getattr(settings, name)) for name in ("model", "api_base", *ENCODER_SETTINGS))

    def encoder_in(self, folder: "Path") -> StoredEmbedder:
        """Return an expert's fine-tuned encoder, opened once; its vectors are stored under its own name."""
        opened = open_encoder(folder)
        embedder = self.embedders.setdefault(f"{folder} {opened.name}", opened)
        return StoredEmbedder(embedder, self.embeddings)

    def query_embedder(self, settings: ModelSettings) -> Embedder:
        """Return the embedder of these settings, which keeps the vectors of phrases; an injected one does not."""
        embedder = self.embedder_for(settings)
        if self.phrases is None or self.injected.embedder is not None:
            return embedder
        return PhraseEmbedder(embedder, self.phrases)

    def scorer_of(self, settings: ModelSettings) -> TextScorer:
        """Return the scorer over one embedder, created once, so that its cached phrases are shared."""
        with self.lock:
            key = f"{self.embedder_key(settings)} {self.index.version()}"
            if key not in self.scorers:
                table = self.label_table(settings)
                names = [text.rpartition(PATH_SEPARATOR)[2] for text in table.texts]
                others = [name for option in table.others for name in option.alternatives]
                language = guess_language(table.texts) or ENGLISH
                self.languages.tell(language, "labels", len(names), len(names))
                space = LabelSpace.of(names, table.vectors, language, others)
                self.scorers[key] = TextScorer(self.query_embedder(settings), self.score_settings(), space)
            return self.scorers[key]

    def score_settings(self) -> ScoreSettings:
        """Return the [scoring] table as settings of a scorer."""
        scoring = self.config.scoring
        phrases = replace(PhraseSettings(), limit=scoring.phrases)
        passages = PassageSettings(most=scoring.passages)
        return ScoreSettings(mix=scoring.mix, centring=scoring.centring, phrases=phrases, passages=passages)

    def passage_settings(self) -> PassageSettings:
        """Return how a long text is cut for the workspace's embedder; no vector is computed for it."""
        embedder = self.embedder_for(self.config.embeddings)
        return fit_passages(self.score_settings().passages, getattr(embedder, "max_tokens", None))

    def answers(self, settings: ModelSettings) -> Answers:
        """Return a role's model, opened once for equal settings, so that parallel walks share its concurrency limit.

        An injected model is found by its model string in the settings.
        """
        if settings.model in self.injected.models:
            given: Answers = self.injected.models[settings.model]
            return given
        compares = settings.provider == ENCODER or settings.join is not None
        version = self.index.version() if compares else ""
        key = f"{settings!r} {sorted(settings.model_fields_set)} {version}"
        if key not in self.models:
            self.config.check_trusted(settings)
            self.models[key] = open_answers(settings, self.scorer_of, self.embeddings, self.cache)
        return self.models[key]

    @property
    def walk_templates(self) -> tuple[str, str]:
        """The templates of the navigator and of the general expert."""
        models = self.config.models
        scored = [model.answer == "scored" for model in (models.navigator, models.general_expert)]
        return (
            navigator.SCORED_TEMPLATE if scored[0] else navigator.TEMPLATE,
            general_expert.SCORED_TEMPLATE if scored[1] else general_expert.TEMPLATE,
        )

    def navigator(self) -> Navigator:
        """Return the navigator on its configured model."""
        walk = self.config.walk
        settings = NavigatorSettings(
            task=self.config.task.description, most=walk.branches, native=self.native, seed=walk.seed
        )
        model = self.config.models.navigator
        exemplars = None
        if model.provider == ENCODER:
            exemplars = Exemplars(self.index, lambda: self.label_table(encoder_embedder(model)))
        template, _ = self.walk_templates
        return Navigator(self.answers(model), self.prompts, settings, exemplars, template)

    def general_expert(self) -> GeneralExpert:
        """Return the general expert on its configured model."""
        walk = self.config.walk
        settings = ExpertSettings(
            task=self.config.task.description, most=walk.top, native=self.native, seed=walk.seed
        )
        model = self.config.models.general_expert
        _, template = self.walk_templates
        return GeneralExpert(self.answers(model), self.prompts, settings, template)

    def retriever(self) -> Retriever:
        """Return dense retrieval over all labels of the index."""
        return Retriever(self.scorer, lambda: self.label_table(self.config.embeddings))

    def label_table(self, embedder: ModelSettings) -> LabelTable:
        """Return all labels with their texts and vectors; new ones are embedded."""
        with self.lock:
            key = f"{self.embedder_key(embedder)} {self.index.version()}"
            if key not in self.tables:
                labels = self.label_options()
                options = list(labels.values())
                lookup = StoredEmbedder(self.embedder_for(embedder), self.embeddings).lookup
                self.tables[key] = LabelTable(
                    list(labels),
                    [option.text for option in options],
                    option_vectors(options, lookup),
                    options,
                    gists(options, lookup),
                )
            return self.tables[key]

    def label_texts(self) -> dict[LabelId, str]:
        """Return the name or path of each label, in import order."""
        return {label: option.text for label, option in self.label_options().items()}

    def label_options(self) -> dict[LabelId, OptionText]:
        """Return what each label is compared by, in import order."""
        labels, native = self.index.all_labels(), self.native
        paths = self.index.paths_of([label.id for label in labels]) if native else {}
        return {label.id: label_option(label, (paths.get(label.id) or [()])[0], native) for label in labels}

    def forget_vectors(self) -> None:
        """Let tables, scorers and models be made again, after stored vectors were replaced."""
        if self.phrases is not None:
            self.phrases.forget()
        with self.lock:
            self.scorers.clear()
            self.tables.clear()
            self.models.clear()

    def close(self) -> None:
        """Close the embedders of this process; injected ones are left to the caller."""
        for key, embedder in self.embedders.items():
            if key != INJECTED:
                close(embedder)
        self.embedders.clear()
        self.scorers.clear()
        self.tables.clear()
        self.models.clear()


def close(embedder: Embedder) -> None:
    """Close an embedder that has `close`."""
    free = getattr(embedder, "close", None)
    if free is not None:
        free()
