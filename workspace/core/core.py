"""The core of a workspace, below its facade: settings, stores and models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, Unpack

from pydantic import ValidationError

from taxonaut.agents.asking import MOST_CHARACTERS
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.models.catalog import ENCODER
from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.classifier import Classifier
from taxonaut.models.expert.fusion import TrainedScores
from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import PromptLibrary, hash_files
from taxonaut.state.db.connection import Database, check_path
from taxonaut.state.errors import InputError, WorkspaceError
from taxonaut.state.ids import EventId
from taxonaut.state.index.index import Index
from taxonaut.state.plugins import load_extension
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.ledger import Ledger
from taxonaut.state.stores.phrase_vectors import PhraseVectors
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.state.stores.runs import Runs
from taxonaut.state.stores.traces import Traces
from taxonaut.state.updates import LabelsUnplaced, tell
from taxonaut.state.workspace_folder import (
    CALIBRATION_FILE,
    EXPERTS_FOLDER,
    INDEX_FILE,
    LEARNED_FOLDER,
    OTHER_PARTS,
    PHRASES_FILE,
    PROMPTS_FOLDER,
    SETTINGS_FILE,
)
from taxonaut.workspace.core import config as configuration
from taxonaut.workspace.core.config import (
    Config,
    Section,
    Tables,
    WalkConfig,
    WalkSettings,
    problems,
)
from taxonaut.workspace.core.container import Wiring, Wrap
from taxonaut.workspace.core.injected import Injected, RoleModel, inject, read_settings, split_roles
from taxonaut.workspace.core.labelled_texts import labelled_texts
from taxonaut.workspace.core.learned_versions import LOG, LearnedVersion, VersionStore
from taxonaut.workspace.core.long_texts import TextLimits
from taxonaut.workspace.core.sample_recorder import SampleRecorder

POLICIES = "taxonaut.policies"
"""The extension point of walk policies."""

ENCODER_BATCH = 128
"""Items per batch of a walk without a language model."""

ENCODER_CANDIDATES = 100
MODEL_CANDIDATES = 40
"""Labels ranked in one request, unless [walk] sets `candidates`."""


@dataclass(eq=False)
class Core:
    """An open workspace. Functions on workspaces take a `Core`; `Workspace` adds the public methods."""

    folder: Path
    config: Config
    database: Database
    index: Index
    items: Items
    runs: Runs
    decisions: Decisions
    trails: Traces
    ledger: Ledger
    samples: SampleRecorder
    prompts: PromptLibrary
    wiring: Wiring

    def __post_init__(self) -> None:
        """Let the models ask this workspace for its trained expert."""
        self.wiring.open_trained = self.open_trained
        self._trained = trained_state(self.folder)

    @classmethod
    def init(
        cls,
        folder: str | Path,
        *,
        models: Mapping[str, RoleModel] | None = None,
        embedder: Embedder | None = None,
        classifier: Classifier | None = None,
        **tables: Unpack[Tables],
    ) -> Self:
        """Create a workspace in a folder without an index and open it; other arguments as in `open`.

        Settings and templates that are there already are kept.
        """
        path = Path(folder)
        check_path(path.resolve())
        try:
            if (path / INDEX_FILE).exists():
                raise InputError(f"{str(path)!r} is already a workspace; use it or choose another folder")
            path.mkdir(parents=True, exist_ok=True)
            (path / PROMPTS_FOLDER).mkdir(exist_ok=True)
            if not (path / SETTINGS_FILE).exists():
                (path / SETTINGS_FILE).write_text(configuration.TEMPLATE, encoding="utf-8")
        except OSError as error:
            raise WorkspaceError(f"cannot create a workspace in {str(path)!r}: {error.strerror}") from None
        return cls.on(
            path, *read_settings(path, models=models, embedder=embedder, classifier=classifier, **tables)
        )

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        models: Mapping[str, RoleModel] | None = None,
        embedder: Embedder | None = None,
        classifier: Classifier | None = None,
        trust: bool = False,
        **tables: Unpack[Tables],
    ) -> Self:
        """Open a workspace.

        `models`: by role (navigator, general_expert, architect, annotator, assistant) a model string, settings, or an
        object: a `ScriptedModel`, anything that answers requests (`Answers`), a LangChain chat model. `embedder`: an
        object in place of [embeddings] and of the embedder of every `encoder/…` role. `classifier`: an object that
        predicts categories in place of the trained experts' files. The caller closes such objects.
        `trust`: the servers and key variables that taxonaut.toml names are yours; without it they are used once they
        were confirmed with `taxonaut trust`. `tables` replace settings of taxonaut.toml, such as
        `walk={"terminals": 40}`.
        """
        path = Path(folder)
        if not (path / SETTINGS_FILE).is_file():
            raise WorkspaceError(f"{str(path)!r} is not a workspace; create one with: taxonaut init {path}")
        check_index(path)
        return cls.on(
            path,
            *read_settings(
                path, models=models, embedder=embedder, classifier=classifier, trust=trust, **tables
            ),
        )

    @classmethod
    def on(cls, folder: Path, config: Config, given: Injected | None = None) -> Self:
        """Open or create the index file of a folder, with settings already read."""
        database = Database.open(
            folder / INDEX_FILE, memory_limit=config.database.memory_limit, threads=config.database.threads
        )
        texts = config.records.texts
        index, samples = Index(database), SampleRecorder(database, texts=texts)
        prompts = PromptLibrary(folder / PROMPTS_FOLDER, samples)
        embeddings, cache = Embeddings(database), ResponseCache(database, texts=texts)
        kept = config.scoring.kept_phrases
        phrases = PhraseVectors(folder / PHRASES_FILE, kept) if kept and texts else None
        ledger, items = Ledger(database, index.todays), Items(database, texts=texts)
        return cls(
            folder=folder,
            config=config,
            database=database,
            index=index,
            items=items,
            runs=Runs(database, texts=texts),
            decisions=Decisions(database, texts=texts),
            trails=Traces(database),
            ledger=ledger,
            samples=samples,
            prompts=prompts,
            wiring=Wiring(
                config,
                index,
                embeddings,
                cache,
                prompts,
                given,
                phrases,
                open_learned(folder),
                labelled=partial(labelled_texts, ledger, items),
            ),
        )

    def close(self) -> None:
        """Close the models and the database."""
        self.wiring.close()
        self.samples.flush()
        self.database.close()

    def refresh(self) -> bool:
        """Use what another process trained, learned or calibrated since; return whether there was anything.

        A change to the index needs no refresh: it is seen at once.
        """
        now = trained_state(self.folder)
        if now == self._trained:
            return False
        self._trained = now
        self.wiring.use_learned(open_learned(self.folder))
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def with_walk(self, **walk: Unpack[WalkSettings]) -> Self:
        """Return this workspace with other walk settings; index and opened models are shared."""
        try:
            changed = WalkConfig.model_validate({**self.config.walk.model_dump(), **walk})
        except ValidationError as error:
            raise InputError(f"invalid [walk] settings: {problems(error)}") from None
        return self.with_table("walk", changed)

    def with_models(self, models: Mapping[str, RoleModel]) -> Self:
        """Return this workspace with other models in some roles; index and opened models are shared."""
        settings, objects = split_roles(models)
        try:
            roles = {role: ModelSettings.model_validate(given) for role, given in settings.items()}
        except ValidationError as error:
            raise InputError(f"invalid [models] settings: {problems(error)}") from None
        config = self.config.model_copy(update={"models": self.config.models.model_copy(update=roles)})
        config, given = inject(config, objects, None)
        return replace(self, config=config, wiring=self.wiring.with_config(config, given=given))

    def with_table(self, name: str, table: Section) -> Self:
        """Return this workspace with another table of settings; index and opened models are shared."""
        config = self.config.model_copy(update={name: table})
        return replace(self, config=config, wiring=self.wiring.with_config(config))

    def with_prompts(self, prompts: PromptLibrary) -> Self:
        """Return this workspace with other templates; index and opened models are shared."""
        return replace(self, prompts=prompts, wiring=self.wiring.with_config(self.config, prompts))

    def with_wrapped_models(self, wrap: Wrap) -> Self:
        """Return this workspace with `wrap` around the models of its roles; all else is shared."""
        return replace(self, wiring=self.wiring.with_config(self.config, wrap=wrap))

    def policy(self) -> WalkPolicy:
        """Return the walk policy of the settings."""
        walk = self.config.walk
        candidates = walk.candidates
        if candidates is None:
            encodes = self.config.models.general_expert.provider == ENCODER
            candidates = max(walk.top, ENCODER_CANDIDATES if encodes else MODEL_CANDIDATES)
        given = walk.model_dump(
            exclude={
                "policy",
                "branches",
                "top",
                "batch",
                "seed",
                "candidates",
                "min_score",
                "cut_off",
                "expert",
            }
        )
        policy: WalkPolicy = load_extension(POLICIES, walk.policy)(candidates=candidates, **given)
        return policy

    @property
    def learned_identity(self) -> dict[str, int | str]:
        """What a fingerprint says of the learned version in use and of demonstrations; nothing without them."""
        shown = self.wiring.demonstrations_digest()
        return {**self.wiring.learned_identity, **({"demonstrations": shown} if shown else {})}

    @property
    def scores_identity(self) -> dict[str, Any]:
        """What a fingerprint says of all that joins the similarities: the learned version and the trained expert."""
        expert = self.wiring.expert
        return {**self.learned_identity, **({} if expert is None else {"walk_expert": expert.identity})}

    def open_trained(self) -> TrainedScores | None:
        """Return what the trained expert says in a walk; `Workspace` knows the experts."""
        return None

    @property
    def batch(self) -> int:
        """Items per batch of a walk."""
        roles = (self.config.models.navigator, self.config.models.general_expert)
        language = [role.concurrency for role in roles if role.provider != ENCODER]
        return self.config.walk.batch or (max(64, 8 * max(language)) if language else ENCODER_BATCH)

    def text_limits(self) -> TextLimits:
        """Return what a walk reads of a long text."""
        roles = (self.config.models.navigator, self.config.models.general_expert)
        return TextLimits(
            self.wiring.passage_settings() if self.compares_vectors else None,
            MOST_CHARACTERS if any(role.provider != ENCODER for role in roles) else None,
        )

    @property
    def compares_vectors(self) -> bool:
        """Whether classifying with these settings needs the labels' vectors."""
        models = self.config.models
        encoders = (models.navigator.provider, models.general_expert.provider).count(ENCODER)
        return self.policy().needs_retriever or encoders > 0

    def check_version(self, version: EventId) -> None:
        """Raise WorkspaceError if the index is not at a version any more: results must not mix two trees."""
        now = self.index.version()
        if now != version:
            raise WorkspaceError(
                f"the index changed while items were worked on (version {version}, now {now}); what was finished "
                "before the change is kept; run the same command again to do all items with the index as it is now"
            )

    def check_has_labels(self) -> None:
        """Raise InputError if the index has no labels."""
        if not self.index.label_ids():
            raise InputError(
                f"{str(self.folder)!r} has no labels yet; import some: taxonaut labels import FILE"
            )

    def check_walkable(self) -> None:
        """Raise InputError if the index has no labels or no tree to walk; tell if some labels are not in the tree."""
        self.check_has_labels()
        stats = self.index.stats()
        if self.policy().shortlist == "dense" or not stats.labels_unplaced:
            return
        if stats.labels_unplaced == stats.labels:
            raise InputError(
                f"{stats.labels_unplaced:,} labels are not in a tree yet; build one with: taxonaut index build"
            )
        first = next(label for label in self.index.label_ids() if not self.index.placements_of(label))
        tell(LabelsUnplaced(stats.labels_unplaced, first))

    def store_templates(self, names: Iterable[str]) -> dict[str, str]:
        """Store the effective templates with the files they include; return their hashes by name."""
        files = {name: self.prompts.files(name) for name in names}
        hashes = {name: hash_files(sources) for name, sources in files.items()}
        templates = Templates(self.database)
        new = templates.unkept(list(hashes.values()))
        if new:
            with self.database.write():
                for name, hash_ in hashes.items():
                    if hash_ in new:
                        templates.keep(hash_, name, files[name][name + SUFFIX], files[name])
        return hashes


def open_learned(folder: Path) -> LearnedVersion | None:
    """Return the learned version that a workspace uses, None for none; its files are read on first use."""
    versions = VersionStore(folder)
    card = versions.in_use()
    return None if card is None else LearnedVersion(card, versions.path(card.number))


def trained_state(folder: Path) -> tuple[int, ...]:
    """Return when experts, learned versions and the calibration of a workspace changed last, in nanoseconds."""
    parts = (EXPERTS_FOLDER, LEARNED_FOLDER, f"{LEARNED_FOLDER}/{LOG}", CALIBRATION_FILE)
    return tuple((folder / part).stat().st_mtime_ns if (folder / part).exists() else 0 for part in parts)


def check_index(folder: Path) -> None:
    """Raise WorkspaceError where a workspace's index is gone: a new, empty one must not take its place unsaid.

    A folder with settings alone gets its index when it is opened first.
    """
    if (folder / INDEX_FILE).exists():
        return
    for name in OTHER_PARTS:
        if (folder / name).exists():
            raise WorkspaceError(
                f"{str(folder)!r} has no {INDEX_FILE}, though it has {name!r}; restore the file from a copy, or make "
                f"an empty one: taxonaut init {folder}"
            )
