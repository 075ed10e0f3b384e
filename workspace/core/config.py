"""Settings of a workspace, from taxonaut.toml; environment variables override it."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from typing_extensions import TypedDict

from taxonaut.models.encoder.passages import PassageSettings
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import adapter_behind, file_behind
from taxonaut.state.errors import InputError, WorkspaceError
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace.core.trust import NamedEndpoints, named_endpoints

DEFAULT_EMBEDDER = "onnx/all-minilm-l6-v2"
DEFAULT_CHOOSER = "encoder/onnx/all-minilm-l6-v2"

REQUEST_SETTINGS = (
    "concurrency",
    "timeout_s",
    "deadline_s",
    "attempts",
    "backoff_s",
    "api_key_env",
    "max_reply_mb",
    "languages",
    "adapter",
)
"""Settings of a model that affect how it is called, not what it answers; an adapter counts by its content
(`weights_of`), wherever it is."""

TEMPLATE = f"""\
# taxonaut workspace. Every key can also be set in the environment: TAXONAUT_MODELS__NAVIGATOR__MODEL=…

[task]
# One sentence that every prompt shows, such as "The texts are product titles."
description = ""

[labels]
# language = "en"       # of the names shown, where a label has several (labels language); unset: as imported

[embeddings]
model = "{DEFAULT_EMBEDDER}"

# One model per role: a LiteLLM model string, gguf/<name or path>, or encoder/<embedder> (no language model).
# A server of your own: api_base = "http://127.0.0.1:8000/v1". A key: api_key_env = "OPENAI_API_KEY".
[models.navigator]
model = "{DEFAULT_CHOOSER}"

[models.general_expert]
model = "{DEFAULT_CHOOSER}"

# These build an index (index build --method agents, labels add) or a vocabulary (vocabulary build): the architect
# names categories, the annotator assigns labels or items to them. A strong architect and a cheap annotator work well.
[models.architect]
model = "{DEFAULT_CHOOSER}"

[models.annotator]
model = "{DEFAULT_CHOOSER}"

[build]
centres = 16            # most branches of a node
terminal_size = 24      # most labels of a node that is not split

[vocabulary]            # vocabulary build, vocabulary assign
categories = 15         # descriptors first proposed for a group of items
split_threshold = 30    # fewest items of a group that is split
items_per_request = 1   # items in a request to the annotator; 10: cheaper, but one's text can steer the others

[expert]                # expert train
# encoder = ""          # a local folder with a transformer to fine-tune; unset: a head on the embeddings

[learning]              # learn
learners = ["adapter", "exemplars"]
rounds = 3
# holdout = 0.2         # share of the items, and
# unseen = 0.2          # of the labels, that are kept apart to measure on
# demonstrations = 3    # similar labelled texts that prompts of a walk show, where a language model reads them

[categorize]            # categorize
# threshold = 0.5       # below it the general expert decides; unset: from the last audit, else 0.5 (encoder: 0)
candidates = 10         # categories the general expert chooses from
shown = "path"          # leaf, path, name or definition: how it sees a category
ask = "rank"            # choose, rank or think

[walk]
shortlist = "both"      # tree, dense or both
terminals = 20          # terminal nodes a walk may reach
dense = 100             # labels that dense retrieval adds
top = 10                # labels in an answer
# order = "breadth"     # or depth: the best branch first, on a stack
# start = "root"        # or anchored: around the labels that dense retrieval finds
# anchors = 20          # labels an anchored walk starts from
# ancestors = true      # compare branches by their paths, or (false) by their names; unset: paths in your own tree
# beam = 0              # most branches kept of a level; 0: as many as fit
# threshold = 0.2       # branches and labels of dense retrieval that score lower are not looked at
# min_score = 0.5       # labels that score lower are left out; unset: all, where the best has at least 0.1
# cut_off = "f1"        # how many labels: "f1", "precision=0.9" on held-out items, or "labels=5"
# expert = true         # the trained expert among the scores: the newest, none (false), or a number
"""


class Section(BaseModel):
    """A table of taxonaut.toml; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskConfig(Section):
    """The task, as shown in all prompts."""

    description: str = ""


class LabelsConfig(Section):
    """In which language labels are shown, where their source has names in several."""

    language: str = Field(
        default="",
        description="Language of the names shown and imported, such as de; empty: as imported, and by the file.",
    )


class ModelsConfig(Section):
    """One model per role."""

    navigator: ModelSettings = ModelSettings(model=DEFAULT_CHOOSER)
    general_expert: ModelSettings = ModelSettings(model=DEFAULT_CHOOSER)
    architect: ModelSettings = ModelSettings(model=DEFAULT_CHOOSER)
    annotator: ModelSettings = ModelSettings(model=DEFAULT_CHOOSER)
    assistant: ModelSettings = ModelSettings(model=DEFAULT_CHOOSER)


STANDARD_POLICY = "standard"


class WalkConfig(Section):
    """How far a walk goes; see `WalkPolicy` and `NavigatorSettings`."""

    policy: str = Field(
        default=STANDARD_POLICY, description="The walk policy, by its name as a plugin (docs/plugins.md)."
    )
    shortlist: Literal["tree", "dense", "both"] = "both"
    terminals: int = Field(default=20, gt=0)
    dense: int = Field(default=100, gt=0)
    candidates: int | None = Field(
        default=None, ge=0, description="Labels ranked; 0: all. None: 40, or 100 with encoder/."
    )
    branches: int = Field(default=16, gt=0, description="Most branches opened at one node.")
    inherit: float = Field(
        default=0.15, ge=0, le=1, description="Share of the parent's score in a branch's score."
    )
    order: Literal["breadth", "depth"] = Field(
        default="breadth", description="Level by level, or best branch first, on a stack."
    )
    ancestors: bool | None = Field(
        default=None,
        description="Compare branches by path (true) or name (false). None: by path in a native tree.",
    )
    beam: int = Field(default=0, ge=0, description="Most branches kept of a level; 0: as many as fit.")
    threshold: float | None = Field(default=None, description="Branches that score lower stay closed.")
    min_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Labels that score lower are left out. None: all, where the best has at least 0.1.",
    )
    cut_off: str | None = Field(
        default=None,
        description="How many labels a text gets, in place of min_score: 'f1', 'precision=0.9' or 'labels=5'.",
    )
    start: Literal["root", "anchored"] = Field(
        default="root", description="Start at the root, or at the labels that dense retrieval finds."
    )
    anchors: int = Field(default=20, gt=0, description="Labels an anchored walk starts from.")
    top: int = Field(default=10, gt=0)
    expert: bool | int = Field(
        default=True,
        description="The trained expert whose probabilities join the scores: true the newest, false none, a number.",
    )
    batch: int | None = Field(default=None, gt=0, description="Items per batch. None: by the model.")
    seed: int = 0


class WalkSettings(TypedDict, total=False):
    """Settings of the [walk] table as keywords; see `WalkConfig`."""

    shortlist: Literal["tree", "dense", "both"]
    terminals: int
    dense: int
    candidates: int | None
    branches: int
    inherit: float
    order: Literal["breadth", "depth"]
    ancestors: bool | None
    beam: int
    threshold: float | None
    min_score: float | None
    cut_off: str | None
    start: Literal["root", "anchored"]
    anchors: int
    top: int
    expert: bool | int
    batch: int | None
    seed: int


class BuildConfig(Section):
    """How agents build an index and add to it; see `BuildPolicy` for the thresholds."""

    centres: int = Field(default=16, ge=2, description="Most centres of one partition.")
    terminal_size: int = Field(default=24, ge=2, description="Labels of a partition that is not split.")
    depth: int = Field(default=8, ge=1, description="Most levels below the root.")
    sample: int = Field(default=64, ge=2, description="Labels shown to the architect (Sample).")
    labels_per_request: int = Field(default=20, ge=1, description="Labels in one request to the annotator.")
    fits: int = Field(default=3, ge=1, description="Most centres of one label.")
    margin: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="encoder/: most similarity lost to a label's nearest centre.",
    )
    overlap: float = Field(default=0.8, gt=0, lt=1, description="Labels shared by near-duplicate centres.")
    swallow: float = Field(default=0.8, gt=0, lt=1, description="Most labels that one centre may hold.")
    other: float = Field(default=0.3, gt=0, lt=1, description="Most labels that may fit no centre.")
    attempts: int = Field(default=3, ge=1, description="Splits tried before labels are clustered by vectors.")
    seed: int = 0


class VocabularyConfig(Section):
    """How agents build and assign a vocabulary; see `VocabularyPolicy` for the thresholds."""

    categories: int = Field(default=15, ge=2, description="Descriptors first proposed for a group.")
    split_threshold: int = Field(default=30, ge=2, description="Fewest items of a group that is split.")
    per_descriptor: int = Field(default=8, ge=1, description="Fewest items of a descriptor on average.")
    max_refinement_cycles: int = Field(default=3, ge=0, description="Most refinement rounds of a group.")
    anomaly_threshold: int = Field(default=20, ge=1, description="Fewest uncovered items that start a round.")
    coverage: float = Field(
        default=0.95, gt=0, le=1, description="Share of covered items that ends refinement."
    )
    proposals: int = Field(default=10, ge=1, description="Most change proposals in a round.")
    branching: int = Field(
        default=1,
        ge=0,
        description="Descriptors whose next level an item goes on to; 0: all.",
    )
    depth: int = Field(default=6, ge=1, description="Most levels.")
    smallest: int = Field(default=2, ge=1, description="Fewest items of a descriptor.")
    sample: int = Field(default=40, ge=2, description="Items shown to the architect (Distill).")
    items_per_request: int = Field(
        default=1,
        ge=1,
        description="Items in one request to an annotator. More are cheaper, but one's text can steer the others.",
    )
    fits: int = Field(
        default=3, ge=1, description="Most descriptors of an item at a node, if all that fit are wanted."
    )
    characters: int = Field(default=400, ge=20, description="Characters of an item's text shown to models.")
    threshold: float = Field(
        default=0.3, ge=-1, le=1, description="encoder/: least similarity of a descriptor that fits."
    )
    further: float = Field(
        default=0.15,
        ge=-1,
        le=1,
        description="encoder/: least similarity of further descriptors, next to a better one.",
    )
    seed: int = 0


class ExpertConfig(Section):
    """How a domain expert is trained (Dual-Expert 3.1)."""

    encoder: str = Field(
        default="",
        description="A local folder with a transformer encoder to fine-tune, or onnx/NAME of a pulled one; empty: "
        "a head on [embeddings].",
    )
    objective: Literal["classes", "contrast"] = Field(
        default="classes",
        description="What an encoder is fine-tuned for: a head over the categories, or products near their names.",
    )
    lexical: bool = Field(default=True, description="Add words and character n-grams to the embedding.")
    augment: float = Field(
        default=0.5,
        ge=0,
        description="Synthetic rows from masked paths, as a share of the products; 0: none.",
    )
    focal: bool = Field(default=False, description="Phase 1: focal loss; else cross-entropy.")
    alpha: float = Field(
        default=0.25, ge=0, le=1, description="Class weights: 1 / products of the class, to this power."
    )
    gamma: float = Field(default=1.0, ge=0, description="Phase 1: how little well-classified products count.")
    bootstrap: bool = Field(default=False, description="Phase 2: bootstrap loss after the gate.")
    beta: float = Field(default=0.8, gt=0, le=1, description="Phase 2: weight of the given label.")
    gate: float = Field(
        default=0.25, ge=0, le=1, description="Share of all steps after which phase 2 begins."
    )
    epochs: int = Field(
        default=6, ge=1, description="Most passes over the products. An encoder's default is 4."
    )
    patience: int = Field(
        default=2,
        ge=1,
        description="Passes without gain on held-out products after which training ends. An encoder's default is 3.",
    )
    batch: int = Field(default=256, ge=1, description="Products in one step. An encoder's default is 32.")
    learning_rate: float | None = Field(default=None, gt=0, description="None: by what is trained.")
    dev: float = Field(default=0.1, gt=0, lt=1, description="Share held out as dev part, if none is given.")
    seed: int = 0

    @property
    def trains_by_gradient(self) -> bool:
        """Whether the head is trained by gradient, because one of its settings is given; else by ridge regression.

        With an encoder only the losses are settings of the head too.
        """
        own = {"augment", "epochs", "patience", "batch", "learning_rate"}
        given = ({"focal", "bootstrap"} | (set() if self.encoder else own)) & self.model_fields_set
        return any(bool(getattr(self, name)) for name in given)


class LearningConfig(Section):
    """How a workspace learns from labelled items (XMC-Agent 2.3), and what these are used for in a walk."""

    learners: tuple[str, ...] = Field(
        default=("adapter", "exemplars"),
        min_length=1,
        description="What learns: adapter, exemplars, finetuning.",
    )
    rounds: int = Field(default=3, ge=1, description="Most rounds of walking, learning and measuring.")
    holdout: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="Share of the items that the gate measures on and nothing learns from.",
    )
    unseen: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the labels that the gate's fit does not learn."
    )
    walked: int = Field(default=300, ge=0, description="Most items that are walked in a round.")
    measured: int = Field(default=400, ge=1, description="Most items of a part that the gate measures.")
    seed: int = 0
    demonstrations: int = Field(
        default=0,
        ge=0,
        le=20,
        description="Most similar labelled texts that prompts of a walk show as examples; 0: none.",
    )


class LearningSettings(TypedDict, total=False):
    """Settings of the [learning] table as keywords; see `LearningConfig`."""

    learners: Sequence[str]
    rounds: int
    holdout: float
    unseen: float
    walked: int
    measured: int
    seed: int


class CategorizeConfig(Section):
    """How items are routed to the two experts (Dual-Expert 3.2, 4.3.1)."""

    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Probability below which the general expert decides. None: from the last audit, else 0.5.",
    )
    candidates: int = Field(default=10, ge=1, description="Categories the general expert chooses from (K).")
    abstain: float = Field(
        default=0.0, ge=0, lt=1, description="Probability below which the domain expert gives no candidate."
    )
    shown: Literal["leaf", "path", "name", "definition"] = Field(
        default="path", description="How the general expert sees a category (figure 3b)."
    )
    ask: Literal["choose", "rank", "think"] = Field(
        default="rank", description="The general expert's task (figure 3a, c, d)."
    )
    examples: int = Field(default=6, ge=1, description="Products a definition is written from.")
    characters: int = Field(
        default=600, ge=20, description="Characters of a product's text in a definition's prompt."
    )
    seed: int = 0


class CategorizeSettings(TypedDict, total=False):
    """Settings of the [categorize] table as keywords; see `CategorizeConfig`."""

    threshold: float | None
    candidates: int
    abstain: float
    shown: Literal["leaf", "path", "name", "definition"]
    ask: Literal["choose", "rank", "think"]
    examples: int
    characters: int
    seed: int


class ScoringConfig(Section):
    """How texts and labels are compared by vectors; see `ScoreSettings` and `PhraseSettings`."""

    mix: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of the best phrase; 0: whole texts only. None: by the labels.",
    )
    centring: float = Field(default=0.5, ge=0, le=1)
    phrases: int = Field(default=256, gt=0, description="Most phrases of one passage of a text.")
    passages: int = Field(
        default=PassageSettings().most,
        gt=0,
        description="Most passages of one text that are read, spread evenly over it; one has about 150 words.",
    )

    kept_phrases: int = Field(
        default=50_000,
        ge=0,
        description="Most phrases whose vectors are kept in phrases.sqlite for later runs, 0.8 KB each; 0: none.",
    )

    def deciding(self) -> dict[str, Any]:
        """Return the settings as JSON values for a fingerprint; a later one counts where it is not the default."""
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        kept = {"mix", "centring", "phrases"}
        given = self.model_dump(mode="json", exclude={"kept_phrases"})
        return {name: value for name, value in given.items() if name in kept or value != defaults[name]}


MOST_THREADS = max(64, 4 * (os.cpu_count() or 1))
"""Most threads of DuckDB; with many thousands it fails to start."""

LEAST_MEMORY = 32 * 10**6
"""Bytes that DuckDB needs to work on an index."""

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_AMOUNT = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>([KMGT]i?)?B)", re.IGNORECASE)


class DatabaseConfig(Section):
    """DuckDB settings."""

    memory_limit: str = "256MB"
    threads: int = Field(default=2, gt=0)

    @field_validator("memory_limit")
    @classmethod
    def is_amount(cls, given: str) -> str:
        """Refuse what is no amount of memory, or too little to open a file with."""
        found = _AMOUNT.fullmatch(given.strip())
        if found is None:
            raise ValueError(f"{given!r} is no amount of memory; give one such as 512MB or 2GiB")
        if float(found["number"]) * _UNITS[found["unit"].upper().replace("I", "")] < LEAST_MEMORY:
            raise ValueError(f"{given!r} is too little; give at least {LEAST_MEMORY // 10**6}MB")
        return given

    @field_validator("threads")
    @classmethod
    def is_startable(cls, given: int) -> int:
        """Refuse more threads than DuckDB can start."""
        if given > MOST_THREADS:
            raise ValueError(f"{given:,} threads are too many for this machine; give at most {MOST_THREADS}")
        return given


class TracingConfig(Section):
    """Who sees what graphs do, beyond this machine."""

    langsmith: bool = Field(
        default=False, description="Trace graphs to LangSmith, with texts; LANGSMITH_TRACING alone does not."
    )


class RecordsConfig(Section):
    """What is kept of the work (docs/observability.md)."""

    texts: bool = Field(
        default=True,
        description="Keep texts of items, and what language models were sent and replied. False: none of them.",
    )


PREFIX = "TAXONAUT_"
"""How the names of environment variables with settings begin."""


class Config(BaseSettings):
    """All settings of a workspace. Sources, first wins: arguments, TAXONAUT_… variables, taxonaut.toml."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    task: TaskConfig = TaskConfig()
    labels: LabelsConfig = LabelsConfig()
    embeddings: ModelSettings = ModelSettings(model=DEFAULT_EMBEDDER)
    models: ModelsConfig = ModelsConfig()
    walk: WalkConfig = WalkConfig()
    build: BuildConfig = BuildConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    expert: ExpertConfig = ExpertConfig()
    categorize: CategorizeConfig = CategorizeConfig()
    scoring: ScoringConfig = ScoringConfig()
    learning: LearningConfig = LearningConfig()
    database: DatabaseConfig = DatabaseConfig()
    tracing: TracingConfig = TracingConfig()
    records: RecordsConfig = RecordsConfig()

    _named: NamedEndpoints = PrivateAttr(NamedEndpoints(Path()))

    def check_trusted(self, settings: ModelSettings) -> None:
        """Raise UntrustedError if a model is at a server, or has a key, that the file names unconfirmed."""
        self._named.check(settings)

    def answer_settings(self) -> dict[str, Any]:
        """Return the settings that affect a classification's results, as JSON values for its fingerprint."""
        asked = {"navigator", "general_expert"}
        walk = {"batch", "min_score", "cut_off", "expert"} | (
            {"policy"} if self.walk.policy == STANDARD_POLICY else set()
        )
        roles = {role: set(REQUEST_SETTINGS) if role in asked else True for role in ModelsConfig.model_fields}
        found = self.model_dump(
            mode="json",
            include={"task", "embeddings", "models", "walk"},
            exclude={"embeddings": set(REQUEST_SETTINGS), "models": roles, "walk": walk},
        )
        found["scoring"] = self.scoring.deciding()
        found["embeddings"] |= weights_of(self.embeddings)
        for role in asked:
            found["models"][role] |= weights_of(getattr(self.models, role))
        return found

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let environment variables override the file, whose values are passed as arguments."""
        return (env_settings, init_settings)


def weights_of(model: ModelSettings) -> dict[str, str]:
    """Return the fingerprints of the user's files behind a model and its adapter; empty if there are none."""
    files = {
        "file": file_behind(model.model),
        "join_file": file_behind(model.join or ""),
        "adapter_file": adapter_behind(model.adapter),
    }
    return {name: value for name, value in files.items() if value}


class Tables(TypedDict, total=False):
    """Settings that a call overrides, by table of taxonaut.toml."""

    task: Mapping[str, Any]
    labels: Mapping[str, Any]
    embeddings: Mapping[str, Any]
    walk: Mapping[str, Any] | WalkSettings
    build: Mapping[str, Any]
    vocabulary: Mapping[str, Any]
    expert: Mapping[str, Any]
    learning: Mapping[str, Any] | LearningSettings
    categorize: Mapping[str, Any] | CategorizeSettings
    scoring: Mapping[str, Any]
    database: Mapping[str, Any]


def read_values(folder: Path) -> dict[str, Any]:
    """Return the contents of a workspace's `taxonaut.toml`, {} without one. Raises InputError for invalid TOML."""
    path = folder / SETTINGS_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is not valid TOML: {error}") from None
    except OSError as error:
        raise WorkspaceError(f"{str(path)!r} cannot be read: {error.strerror}") from None


def check_variables(names: Iterable[str]) -> None:
    """Raise InputError for a variable that is written like a setting, but names none: it would have no effect."""
    tables = [table.upper() for table in Config.model_fields]
    for name in sorted(names):
        upper = name.upper()
        if not upper.startswith(PREFIX):
            continue
        table, nested, _ = upper.removeprefix(PREFIX).partition("__")
        known = next((each for each in tables if table == each or table.startswith(f"{each}_")), None)
        if table in tables or not (nested or known):
            continue
        close = known or next(iter(difflib.get_close_matches(table, tables, 1)), None)
        hint = f"; did you mean {PREFIX}{close}__KEY?" if close else "."
        raise InputError(
            f"the environment variable {name} names no setting{hint} Settings are {PREFIX}TABLE__KEY, with two "
            f"underscores; the tables are {', '.join(tables)}. Correct or unset it."
        )


def load_config(folder: Path, overrides: Mapping[str, Any] | None = None, *, trust: bool = False) -> Config:
    """Read the settings of a workspace. Raises InputError that names the wrong key.

    `overrides` replace single settings of taxonaut.toml, by table. With `trust` the servers that it names need no
    confirmation.
    """
    path, values = folder / SETTINGS_FILE, read_values(folder)
    named = named_endpoints(folder, {} if trust else values)
    for table, given in (overrides or {}).items():
        old = values.get(table)
        values[table] = {**old, **given} if isinstance(old, dict) and isinstance(given, dict) else given
    check_variables(os.environ)
    try:
        config = Config(**values)
    except ValidationError as error:
        raise InputError(
            f"{str(path)!r} (or a TAXONAUT_… variable) has invalid settings: {problems(error)}"
        ) from None
    except SettingsError as error:
        raise InputError(f"a TAXONAUT_… variable cannot be parsed: {error}; correct or unset it") from None
    config = find_adapters(config, folder)
    config._named = named
    return config


def find_adapters(config: Config, folder: Path) -> Config:
    """Return the settings with the paths of adapters from the workspace's folder made absolute."""
    roles = {
        role: settings.model_copy(
            update={"adapter": str((folder / Path(settings.adapter).expanduser()).absolute())}
        )
        for role in ModelsConfig.model_fields
        if (settings := getattr(config.models, role)).adapter is not None
    }
    return config.model_copy(update={"models": config.models.model_copy(update=roles)}) if roles else config


def problems(error: ValidationError) -> str:
    """Return pydantic's errors in one line, each with its key."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}" for problem in error.errors()
    )
