"""Open the models of a workspace's settings, each once, and create agents on them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias, cast

from taxonaut.agents import general_expert, navigator
from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.agents.retriever import Retriever
from taxonaut.agents.support.demonstrations import Demonstrations, DemonstrationText
from taxonaut.agents.support.exemplars import Exemplars
from taxonaut.agents.support.texts import PATH_SEPARATOR, LabelTable, label_option
from taxonaut.agents.writers.feedback_writer import FeedbackWriter
from taxonaut.models.catalog import ENCODER, encoder_embedder, open_answers, open_embedder
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.languages import ENGLISH, guess_language
from taxonaut.models.encoder.option_texts import gists, option_vectors
from taxonaut.models.encoder.passages import PassageSettings, fit_passages
from taxonaut.models.encoder.phrases import PhraseSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.stored_vectors import PhraseEmbedder, StoredEmbedder
from taxonaut.models.expert.encoder_export import open_encoder
from taxonaut.models.expert.fusion import EXPERT, TrainedScores
from taxonaut.models.llm.spending import Budget
from taxonaut.models.observed import ObservedModel
from taxonaut.models.requests import Answers, OptionText
from taxonaut.models.score_sources import LearnedScores
from taxonaut.models.settings import ENCODER_SETTINGS, ModelSettings
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import FEW_SHOT
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import NATIVE
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.phrase_vectors import PhraseVectors
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.core.injected import Injected
from taxonaut.workspace.core.language_check import LanguageCheck
from taxonaut.workspace.core.learned_versions import LearnedVersion

if TYPE_CHECKING:
    from pathlib import Path


Wrap: TypeAlias = Callable[[ModelSettings, Answers], Answers]
"""Returns what answers in place of a role's model, such as one that counts what is asked."""

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
        learned: LearnedVersion | None = None,
        wrap: Wrap | None = None,
        labelled: Callable[[], Sequence[DemonstrationText]] = tuple,
    ) -> None:
        self.config = config
        self.index = index
        self.embeddings = embeddings
        self.cache = cache
        self.prompts = prompts
        self.injected = injected or Injected()
        self.phrases = phrases
        self.learned = learned
        """What was learned and is in use."""
        self.wrap = wrap
        self.budget: Budget | None = None
        """What all requests to language models count against."""
        self.labelled = labelled
        """Returns the texts whose labels are known, for demonstrations."""
        self.embedders: dict[str, Embedder] = {}
        self.scorers: dict[str, TextScorer] = {}
        self.tables: dict[str, LabelTable] = {}
        self.models: dict[str, Answers] = {}
        self.experts: dict[str, TrainedScores | None] = {}
        self.open_trained: Callable[[], TrainedScores | None] = lambda: None
        """Opens the trained expert that the settings of the walk name."""
        self.languages = LanguageCheck(config.embeddings, self.injected.embedder)
        self.lock = RLock()
        """Held while a table or scorer is created, so that no other thread creates it again."""

    def with_config(
        self,
        config: Config,
        prompts: PromptLibrary | None = None,
        given: Injected | None = None,
        wrap: Wrap | None = None,
    ) -> "Wiring":
        """Return this wiring with other settings; opened models are shared.

        `prompts` replace the templates; the models of `given` are added to those injected before; `wrap` is put
        around the models.
        """
        injected = self.injected
        if given is not None:
            injected = replace(injected, models={**injected.models, **given.models})
        prompts = prompts or self.prompts
        other = Wiring(
            config,
            self.index,
            self.embeddings,
            self.cache,
            prompts,
            injected,
            self.phrases,
            self.learned,
            wrap or self.wrap,
            self.labelled,
        )
        other.embedders, other.scorers, other.tables = self.embedders, self.scorers, self.tables
        other.models, other.lock, other.budget = self.models, self.lock, self.budget
        other.experts, other.open_trained = self.experts, self.open_trained
        other.languages.told = self.languages.told
        return other

    def with_index(self, index: Index) -> "Wiring":
        """Return this wiring with another index and new scorers and tables; embedders are shared."""
        return self._renewed(index, self.learned)

    def with_learned(self, learned: LearnedVersion | None) -> "Wiring":
        """Return this wiring with another learned version, None for none, and new scorers; embedders are shared."""
        return self._renewed(self.index, learned)

    def _renewed(self, index: Index, learned: LearnedVersion | None) -> "Wiring":
        prompts, given = self.prompts, self.injected
        other = Wiring(
            self.config,
            index,
            self.embeddings,
            self.cache,
            prompts,
            given,
            self.phrases,
            learned,
            labelled=self.labelled,
        )
        other.embedders, other.budget = self.embedders, self.budget
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

    @cached_property
    def frozen(self) -> StoredEmbedder:
        """The workspace's embedder as it was before anything was learned, with its stored vectors."""
        return StoredEmbedder(self.base_embedder(self.config.embeddings), self.embeddings)

    def embedder_for(self, settings: ModelSettings) -> Embedder:
        """Return the embedder of these settings: that of the workspace with what was learned, if anything was."""
        base = self.base_embedder(settings)
        return self.learned.adapt(base) if self.learned is not None and self.is_own(settings) else base

    def is_own(self, settings: ModelSettings) -> bool:
        """Return whether settings are those of the workspace's own embedder."""
        return self.embedder_key(settings) == self.embedder_key(self.config.embeddings)

    def base_embedder(self, settings: ModelSettings) -> Embedder:
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
        base = self.base_embedder(settings)
        learned = self.learned if self.is_own(settings) else None
        if learned is not None:
            base = learned.encoder or base
        if self.phrases is not None and self.injected.embedder is None:
            base = cast("Embedder", PhraseEmbedder(base, self.phrases))
        return base if learned is None else learned.adapt(base)

    def scorer_of(self, settings: ModelSettings) -> TextScorer:
        """Return the scorer over one embedder, created once, so that its cached phrases are shared."""
        with self.lock:
            key = self.scorer_key(settings)
            if key not in self.scorers:
                table = self.label_table(settings)
                names = [text.rpartition(PATH_SEPARATOR)[2] for text in table.texts]
                others = [name for option in table.others for name in option.alternatives]
                language = guess_language(table.texts) or ENGLISH
                self.languages.tell(language, "labels", len(names), len(names))
                space = LabelSpace.of(names, table.vectors, language, others)
                self.scorers[key] = TextScorer(
                    self.query_embedder(settings),
                    self.score_settings(),
                    space,
                    self.learned_scores if self.is_own(settings) else None,
                )
            return self.scorers[key]

    def scorer_key(self, settings: ModelSettings) -> str:
        """Return the key by which scorers are shared."""
        return f"{self.embedder_key(settings)} {self.index.version()} {self.config.walk.expert!r}"

    def held_vectors(self, texts: Sequence[str]) -> dict[str, Matrix]:
        """Return the vectors of texts that the workspace's scorer, if it is open, has read lately."""
        scorer = self.scorers.get(self.scorer_key(self.config.embeddings))
        return {} if scorer is None else scorer.held_vectors(texts)

    @property
    def learned_scores(self) -> LearnedScores | None:
        """What was learned about labels and nodes of the index as it is now; None if nothing was."""
        sources = [] if self.learned is None else self.learned.sources(self.index, self.stored)
        if self.expert is not None:
            sources.append(self.expert.weighted(self.learned_share))
        below = Exemplars(self.index, lambda: self.label_table(self.config.embeddings)).labels_below
        return LearnedScores(sources, below) if sources else None

    @property
    def learned_identity(self) -> dict[str, int | str]:
        """What a fingerprint says of the learned version in use; nothing if there is none."""
        return {} if self.learned is None else {"learned": self.learned.identity}

    @property
    def expert(self) -> TrainedScores | None:
        """What the trained expert of [walk] `expert` says, opened once for an index; None without one."""
        with self.lock:
            key = f"{self.config.walk.expert!r} {self.index.version()}"
            if key not in self.experts:
                self.experts[key] = self.open_trained()
            return self.experts[key]

    @property
    def learned_share(self) -> tuple[float, float] | None:
        """Weight and exponent of the expert that were fitted with the learned version in use; None if none were."""
        shares = {} if self.learned is None else self.learned.card.sources
        return shares.get(EXPERT)

    def use_learned(self, learned: LearnedVersion | None) -> None:
        """Use another learned version from now on, None for none."""
        with self.lock:
            self.learned = learned
            self.__dict__.pop("stored", None)
            self.forget_scores()

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
        """Return a role's model, with `wrap` around it; what a language model is asked is kept and told."""
        model = self.opened(settings)
        if self.wrap is not None:
            model = self.wrap(settings, model)
        if self.budget is not None:
            model = self.budget.metered(settings, model)
        return (
            ObservedModel(settings, model, texts=self.config.records.texts) if model.reads_prompts else model
        )

    def opened(self, settings: ModelSettings) -> Answers:
        """Return a role's model, opened once for equal settings, so that parallel walks share its concurrency limit.

        An injected model is found by its model string in the settings.
        """
        if settings.model in self.injected.models:
            given: Answers = self.injected.models[settings.model]
            return given
        compares = settings.provider == ENCODER or settings.join is not None
        version = f"{self.index.version()} {self.config.walk.expert!r}" if compares else ""
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
            (navigator.SCORED_TEMPLATE if scored[0] else navigator.TEMPLATE)
            + self.few_shot(models.navigator),
            (general_expert.SCORED_TEMPLATE if scored[1] else general_expert.TEMPLATE)
            + self.few_shot(models.general_expert),
        )

    def few_shot(self, model: ModelSettings) -> str:
        """Return how the name of a role's template ends: its own one shows demonstrations, if any are wanted."""
        return FEW_SHOT if self.config.learning.demonstrations and model.provider != ENCODER else ""

    def demonstrations(self, model: ModelSettings) -> Demonstrations | None:
        """Return the labelled texts that a role's prompts show, if any are wanted and the model reads prompts.

        Raises InputError if they are wanted and no role of a walk has a language model.
        """
        roles = (self.config.models.navigator, self.config.models.general_expert)
        most = self.config.learning.demonstrations
        if most and all(role.provider == ENCODER for role in roles):
            raise InputError(
                "an encoder reads no examples: leave `demonstrations` out of [learning], or give "
                "[models.navigator] or [models.general_expert] a language model"
            )
        if not self.few_shot(model):
            return None
        return Demonstrations(self.index, self.labelled, self.stored.lookup, self.stored.embed, most)

    def demonstrations_digest(self) -> str:
        """Return a hash of what demonstrations are chosen from, for fingerprints; empty if none are wanted."""
        models = self.config.models
        found = self.demonstrations(models.navigator) or self.demonstrations(models.general_expert)
        return "" if found is None else found.digest

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
        shown = self.demonstrations(model)
        return Navigator(self.answers(model), self.prompts, settings, exemplars, template, shown)

    def general_expert(self) -> GeneralExpert:
        """Return the general expert on its configured model."""
        walk = self.config.walk
        settings = ExpertSettings(
            task=self.config.task.description, most=walk.top, native=self.native, seed=walk.seed
        )
        model = self.config.models.general_expert
        _, template = self.walk_templates
        return GeneralExpert(
            self.answers(model), self.prompts, settings, template, self.demonstrations(model)
        )

    def feedback_writer(self, role: str) -> FeedbackWriter:
        """Return the writer of a role's own reasons (XMC-Agent 2.3). InputError if its model writes nothing."""
        model: ModelSettings = getattr(self.config.models, role)
        if model.provider == ENCODER:
            raise InputError(
                f"{model.model!r} compares texts and writes no reasons: give [models.{role}] a language model, or "
                "learn from inductive examples alone"
            )
        if model.answer == "scored":
            model = model.model_copy(update={"answer": "generated", "join": None})
        return FeedbackWriter(self.answers(model), self.prompts, self.config.task.description)

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
        self.forget_scores()

    def forget_scores(self) -> None:
        """Let tables, scorers and models be made again: another expert or learned version is in use."""
        with self.lock:
            self.experts.clear()
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
