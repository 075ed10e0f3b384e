"""Train a domain expert over a workspace's categories and save it (Dual-Expert 3.1).

The expert is a weighted sum of parts (stacking). One is the head: ridge regression, or trained by the two-phase
loss; the others are computed from the products and the categories' names in closed form (`models.expert`). The
weights are learned by cross-validation: each fold is scored by parts made from the other folds. With a fine-tuned
encoder, which has seen the train part, only the dev part is held out.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.models.adapt.contrast_data import ContrastData, ContrastItem, ContrastSettings
from taxonaut.models.adapt.finetuning import encoder_folder, finetune_by_contrast
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.expert.encoder_export import FILE_NAME, Exported, export_encoder, open_encoder
from taxonaut.models.expert.finetune import Finetuned, FinetuneSettings, finetune, make_synthetic_texts
from taxonaut.models.expert.fitting import Fitting, FittingInput, Products, Split, fit
from taxonaut.models.expert.fusion import describe
from taxonaut.models.expert.heads import HeadSettings, torch_module
from taxonaut.models.expert.transformer import check_folder
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, as_one_stage, tell
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.core.container import close
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.experts import ENCODER, ExpertCard, Experts
from taxonaut.workspace.expert.trained_scores import COMPARING, MOST_FITTED, fit_trained_scores
from taxonaut.workspace.expert.training_data import Example, TrainingData, prepare_training_data
from taxonaut.workspace.files.item_files import ItemRow

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DEFAULTS = FinetuneSettings(epochs=4)

ENCODER_SETTINGS = ("epochs", "patience", "batch", "learning_rate")
"""Settings of [expert] that apply to the encoder if there is one; unset ones have their value in DEFAULTS."""

CONTRAST = "contrast"
NOT_BY_CONTRAST = frozenset({"patience", "augment"})
CHECKPOINTS = ".checkpoints"

STAGE = "training"
FINE_TUNING, CONVERTING, EMBEDDING, FITTING = (
    "fine-tuning the encoder",
    "converting the encoder",
    "embedding",
    "fitting",
)
"""What is counted as `STAGE`."""

FITTED = 8
"""Products that are fitted in the time that one takes to embed, roughly. Fine-tuning takes three times that."""

FEWEST_COMPARED = 20
"""Held-out products from which an encoder is compared with none; with fewer it is kept."""

LEAST_GAIN = 0.01
"""Gain in accuracy for which an encoder is kept; weights learned from the same products flatter it."""

COMPARED = 200
"""Products used to compare the exported encoder with the trained one."""


@dataclass(frozen=True, slots=True)
class TunedEncoder:
    """An open fine-tuned encoder, with its settings and metrics for the model card."""

    stored: StoredEmbedder
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]


@contextmanager
def tune_encoder(workspace: Core, data: TrainingData, out: Path) -> Iterator[TunedEncoder]:
    """Fine-tune the encoder of [expert] on the train part, write it to `out`, and yield it open.

    Raises as `finetune` and `finetune_by_contrast` do.
    """
    folder = encoder_folder(workspace.config.expert.encoder)
    check_folder(folder)
    tune = tune_by_contrast if workspace.config.expert.objective == CONTRAST else tune_by_classes
    settings, exported, metrics = tune(workspace, data, folder, out)
    embedder = open_encoder(out)
    try:
        stored = StoredEmbedder(embedder, workspace.wiring.embeddings)
        yield TunedEncoder(stored, describe_encoder(settings, exported, embedder.name), metrics)
    finally:
        close(embedder)


def tune_by_classes(
    workspace: Core, data: TrainingData, folder: Path, out: Path
) -> tuple[dict[str, Any], Exported, dict[str, Any]]:
    """Fine-tune with a head over the categories; the epoch that is best on the dev part is kept."""
    how = encoder_settings(workspace.config.expert)
    number = {label: place for place, label in enumerate(data.labels)}
    texts, targets = split_texts_and_targets(data.train, number)
    made = make_synthetic_products(workspace, data.train)
    tell(Progress(FINE_TUNING, 0, how.epochs))
    found = finetune(
        folder,
        [*texts, *(text for _, text in made)],
        [*targets, *(targets[source] for source, _ in made)],
        *split_texts_and_targets(data.dev, number),
        len(number),
        how,
        out,
        lambda epoch: tell(Progress(FINE_TUNING, epoch.number, epoch.of)),
    )
    tell(Progress(CONVERTING))
    exported = export_encoder(out, sample_evenly(texts))
    return {name: getattr(how, name) for name in ENCODER_SETTINGS}, exported, describe_metrics(found)


def tune_by_contrast(
    workspace: Core, data: TrainingData, folder: Path, out: Path
) -> tuple[dict[str, Any], Exported, dict[str, Any]]:
    """Fine-tune by contrast of products and category names; siblings of the right categories push hardest.

    A killed training continues at its last checkpoint, which is kept next to the experts.
    """
    how = contrast_settings(workspace.config.expert)
    label_texts = workspace.wiring.label_texts()
    number = {label: place for place, label in enumerate(data.labels)}
    names = [label_texts[label] for label in data.labels]
    siblings: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        siblings.setdefault(above(name), []).append(place)
    items = [
        ContrastItem(text, right, tuple(near for each in right for near in siblings[above(names[each])]))
        for text, right in zip(*split_texts_and_targets(data.train, number), strict=True)
    ]
    kept = Experts(workspace).folder / CHECKPOINTS
    found = finetune_by_contrast(folder, ContrastData(items, names), how, out, checkpoints=kept)
    settings = {name: value for name, value in asdict(how).items() if name in ENCODER_SETTINGS}
    metrics = {"passes": how.epochs, "loss": round(found.loss, 4), "device": found.device}
    return settings, Exported(out / FILE_NAME), metrics


def above(path: str) -> str:
    """Return the path of a category's parent; empty for a top category."""
    return path.rpartition(PATH_SEPARATOR)[0]


def passes(settings: ExpertConfig) -> float:
    """Return how often the encoder sees each product."""
    if settings.objective == CONTRAST:
        return contrast_settings(settings).epochs
    return encoder_settings(settings).epochs


def contrast_settings(settings: ExpertConfig) -> ContrastSettings:
    """Return the settings of contrast. Raises InputError for a setting that it does not have."""
    given = settings.model_fields_set
    if unused := sorted(given & NOT_BY_CONTRAST):
        raise InputError(
            f"an encoder that is fine-tuned by contrast has no [expert] {unused[0]}; leave it out, or set "
            'objective = "classes"'
        )
    names = {"epochs", "batch", "learning_rate"} & given | {"seed"}
    return replace(ContrastSettings(), **settings.model_dump(include=names))


def encoder_settings(settings: ExpertConfig) -> FinetuneSettings:
    """Return the settings of the encoder's fine-tuning."""
    names = {each.name for each in fields(FinetuneSettings)}
    unset = set(ENCODER_SETTINGS) - settings.model_fields_set
    return replace(DEFAULTS, **settings.model_dump(include=names - unset))


def make_synthetic_products(workspace: Core, examples: Sequence[Example]) -> list[tuple[int, str]]:
    """Return synthetic products: the index of the source example, and a text with its category's path."""
    settings, texts = workspace.config.expert, workspace.wiring.label_texts()
    paths = [texts[example.labels[0]].split(PATH_SEPARATOR) for example in examples]
    return make_synthetic_texts(
        [example.item.text for example in examples], paths, settings.augment, settings.seed
    )


def split_texts_and_targets(
    examples: Sequence[Example], number: Mapping[LabelId, int]
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return texts, and the column indices of each text's categories."""
    columns = [tuple(number[label] for label in example.labels) for example in examples]
    return [example.item.text for example in examples], columns


def sample_evenly(texts: Sequence[str]) -> list[str]:
    """Return up to `COMPARED` texts, evenly spaced."""
    places = np.linspace(0, len(texts) - 1, min(COMPARED, len(texts))).astype(int)
    return [texts[place] for place in places]


def describe_encoder(used: Mapping[str, Any], exported: Exported, embedder: str) -> dict[str, Any]:
    """Return the card's settings of the encoder: its training, and what serves it."""
    served = {"embedder": embedder, "served_by": "ONNX Runtime" if exported.path else "PyTorch"}
    return {**used, **served, **({} if exported.path else {"no_onnx": exported.reason})}


def describe_metrics(found: Finetuned) -> dict[str, Any]:
    """Return the card's metrics of the encoder; the accuracy is that of its own head on the dev part."""
    accuracy = {} if found.dev_accuracy is None else {"accuracy": round(found.dev_accuracy, 4)}
    return {**accuracy, "passes": found.epochs, "best_pass": found.best.number, "device": found.device}


HEAD = "head"

Lookup = Callable[[Sequence[str], str], Matrix]
"""`StoredEmbedder.lookup`: from texts and the name of a progress stage to unit vectors."""


def train_expert(
    workspace: Core,
    rows: Sequence[ItemRow],
    *,
    dev_rows: Sequence[ItemRow] | None = None,
    skip_unknown: bool = False,
) -> ExpertCard:
    """Train an expert on labelled products, save it and return its card.

    `dev_rows` are used for evaluation; without them some of `rows` are held out. `skip_unknown` leaves out
    products of categories that are not in the index. Raises as `prepare_training_data` and `train_on` do.
    """
    settings = workspace.config.expert
    data = prepare_training_data(
        workspace,
        rows,
        dev_rows,
        share=settings.dev if settings.encoder else None,
        seed=settings.seed,
        skip_unknown=skip_unknown,
    )
    return train_on(workspace, data)


def train_on(workspace: Core, data: TrainingData) -> ExpertCard:
    """Train on checked products, save the expert and return its card.

    Metrics are those of the dev part if there is one, else cross-validated. Raises MissingExtraError without PyTorch
    for an encoder or a head trained by gradient, and InputError for an encoder that cannot be fine-tuned.
    """
    settings = workspace.config.expert
    if settings.objective == CONTRAST and not settings.encoder:
        raise InputError(
            '[expert] objective = "contrast" fine-tunes an encoder, and none is given; name one, for example with '
            "--encoder onnx/all-minilm-l6-v2"
        )
    if settings.encoder or settings.trains_by_gradient:
        torch_module()
    if settings.encoder:
        return train_encoder(workspace, data)
    started = time.perf_counter()
    steps = {
        EMBEDDING: workspace.wiring.frozen.count_missing(texts_to_embed(workspace, data, data.train).all),
        FITTING: 1 + len(data.train) // FITTED,
        COMPARING: min(len(data.train), MOST_FITTED),
    }
    with as_one_stage(STAGE, steps):
        fitting = fit_frozen(workspace, data, data.train)
        return save_frozen(workspace, data, data.train, fitting, started)


def fit_frozen(workspace: Core, data: TrainingData, examples: Sequence[Example]) -> Fitting:
    """Fit an expert on the vectors of the workspace's embedder, judged on the dev part unless `examples` has it."""
    settings = workspace.config.expert
    texts = texts_to_embed(workspace, data, examples)
    material, dev = prepare_input(data, examples, texts, workspace.wiring.frozen.lookup)
    how = head_settings(settings, without=ENCODER_SETTINGS if settings.encoder else ())
    return fit(material, dev, how, seed=settings.seed, lexical=settings.lexical)


def save_frozen(
    workspace: Core,
    data: TrainingData,
    examples: Sequence[Example],
    fitting: Fitting,
    started: float,
    encoder: Mapping[str, Any] | None = None,
) -> ExpertCard:
    """Save an expert on the workspace's embedder; `encoder` has the metrics of an encoder that was left out."""
    settings = workspace.config.expert
    fusion = fit_trained_scores(workspace, examples, fitting.out_of_fold, settings.seed)
    card = ExpertCard(
        kind=HEAD,
        data=dict(data.summary),
        settings={**describe_head(settings), "embedder": workspace.wiring.frozen.embedder.name},
        metrics={
            **fitting.metrics,
            "fused": describe(fusion),
            **({} if encoder is None else {"encoder": dict(encoder)}),
            "seconds": seconds_since(started),
        },
    )

    def write(folder: Path) -> None:
        fusion.save(folder)
        fitting.head.save(folder)
        fitting.out_of_fold.save(folder)

    return Experts(workspace).save(card, write, examples)


def train_encoder(workspace: Core, data: TrainingData) -> ExpertCard:
    """Fine-tune the encoder, then train on its vectors, as `train_on` does.

    Only weights and temperature are learned from a dev part given by the user; a held-out one also becomes
    training data of the final expert. An encoder that gains less than `LEAST_GAIN` on what was held out is left out:
    the expert is then that on the workspace's embedder.
    """
    started = time.perf_counter()
    settings, experts = workspace.config.expert, Experts(workspace)
    examples = [*data.train, *data.dev]
    texts = texts_to_embed(workspace, data, examples)
    steps = {
        FINE_TUNING: round(3 * passes(settings) * len(data.train)),
        CONVERTING: COMPARED,
        EMBEDDING: len(texts.all),
        FITTING: 1 + len(examples) // FITTED,
        COMPARING: min(len(data.dev), MOST_FITTED),
    }
    with (
        as_one_stage(STAGE, steps),
        experts.staging_folder() as place,
        tune_encoder(workspace, data, place / ENCODER) as encoder,
    ):
        material, _ = prepare_input(data, examples, texts, encoder.stored.lookup)
        everything, learned = np.arange(len(examples)), len(data.train)
        whole = everything[:learned] if data.summary["dev_given"] else everything
        split = Split([everything[learned:]], whole)
        how = head_settings(settings, without=ENCODER_SETTINGS)
        fitting = fit(material, None, how, seed=settings.seed, lexical=settings.lexical, split=split)
        measures = dict(encoder.metrics)
        if len(data.dev) >= FEWEST_COMPARED:
            frozen_on = data.train if data.summary["dev_given"] else examples
            frozen = fit_frozen(workspace, data, frozen_on)
            measures["held_out"] = fitting.metrics["accuracy"]
            measures["held_out_without"] = held_out_accuracy(data, examples, frozen)
            if measures["held_out"] < measures["held_out_without"] + LEAST_GAIN:
                left_out = leave_encoder_out(data, measures)
                return save_frozen(workspace, left_out, frozen_on, frozen, started, measures)
        fusion = fit_trained_scores(workspace, examples, fitting.out_of_fold, settings.seed)

        def write(folder: Path) -> None:
            fusion.save(folder)
            (place / ENCODER).rename(folder / ENCODER)
            fitting.head.save(folder)

        card = ExpertCard(
            kind=ENCODER,
            data=dict(data.summary),
            settings={**describe_head(settings), **encoder.settings},
            metrics={
                **fitting.metrics,
                "fused": describe(fusion),
                "encoder": measures,
                "seconds": seconds_since(started),
            },
        )
        return experts.save(card, write, [examples[number] for number in whole])


def held_out_accuracy(data: TrainingData, examples: Sequence[Example], fitting: Fitting) -> float:
    """Return the accuracy on the dev part, by parts that were made without it."""
    if data.summary["dev_given"]:
        return float(fitting.metrics["accuracy"])
    found = fitting.out_of_fold
    held = range(len(data.train), len(examples))
    hits = [found.labels[found.row(place)[0][0]] in examples[place].labels for place in held]
    return round(float(np.mean(hits)), 4)


def leave_encoder_out(data: TrainingData, measures: Mapping[str, Any]) -> TrainingData:
    """Return the data with a note that says why the encoder is not used; a tenth held out for it is not kept back."""
    note = (
        f"the fine-tuned encoder was left out: it gains too little, {measures['held_out']:.1%} right of "
        f"{len(data.dev):,} products held out, {measures['held_out_without']:.1%} without it"
    )
    notes = (*data.notes, note)
    summary = {**data.summary, "notes": list(notes)}
    if not summary["dev_given"]:
        summary |= {"products": len(data.train) + len(data.dev), "dev": 0}
    return replace(data, notes=notes, summary=summary)


def seconds_since(started: float) -> float:
    """Return the elapsed seconds, rounded to a tenth."""
    return round(time.perf_counter() - started, 1)


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """The texts of a training; `made` are synthetic products, with the index of the product each was made from."""

    products: list[str]
    dev: list[str]
    made: list[tuple[int, str]]
    paths: list[str]

    @property
    def names(self) -> list[str]:
        """The categories' own names."""
        return [path.split(PATH_SEPARATOR)[-1] for path in self.paths]

    @property
    def all(self) -> list[str]:
        """All texts, in order."""
        return [*self.products, *self.dev, *(text for _, text in self.made), *self.paths, *self.names]


def texts_to_embed(workspace: Core, data: TrainingData, examples: Sequence[Example]) -> TrainingTexts:
    """Return the texts of a training on `examples`, judged on the dev part unless `examples` has it at its end.

    Synthetic products are made for a head that is trained by gradient; ridge regression gains nothing from them.
    """
    texts = workspace.wiring.label_texts()
    settings = workspace.config.expert
    dev = [example.item.text for example in data.dev] if len(examples) == len(data.train) else []
    made = make_synthetic_products(workspace, examples) if settings.trains_by_gradient else []
    return TrainingTexts(
        [example.item.text for example in examples], dev, made, [texts[label] for label in data.labels]
    )


def prepare_input(
    data: TrainingData, examples: Sequence[Example], texts: TrainingTexts, lookup: Lookup
) -> tuple[FittingInput, Products | None]:
    """Embed all texts, as the input of `fit` and the dev part, if any."""
    names, made = texts.names, [text for _, text in texts.made]
    sizes = [len(each) for each in (texts.products, texts.dev, made, texts.paths)]
    own, dev, synthetic, path_vectors, name_vectors = np.split(lookup(texts.all, EMBEDDING), np.cumsum(sizes))
    targets = category_targets(data, examples)
    sources = np.array([source for source, _ in texts.made], np.int64)
    material = FittingInput(
        labels=data.labels,
        products=Products(texts.products, own, targets),
        synthetic=Products(made, synthetic, targets[sources]),
        sources=sources,
        paths=[text.split(PATH_SEPARATOR) for text in texts.paths],
        path_texts=texts.paths,
        path_vectors=path_vectors,
        names=names,
        name_vectors=name_vectors,
    )
    return material, Products(texts.dev, dev, category_targets(data, data.dev)) if texts.dev else None


def category_targets(data: TrainingData, examples: Sequence[Example]) -> "csr_matrix":
    """Return the categories of products as a sparse matrix (n, C); several categories of one share the weight."""
    from scipy.sparse import csr_matrix

    number = {label: place for place, label in enumerate(data.labels)}
    counts = [len(example.labels) for example in examples]
    rows = np.repeat(np.arange(len(examples)), counts)
    columns = [number[label] for example in examples for label in example.labels]
    shares = np.repeat(1 / np.array(counts, np.float32), counts)
    targets: csr_matrix = csr_matrix(
        (shares.astype(np.float32), (rows, columns)), shape=(len(examples), len(number))
    )
    return targets


def head_settings(settings: ExpertConfig, *, without: Collection[str] = ()) -> HeadSettings | None:
    """Return the settings of a head trained by gradient, except those in `without`; None for ridge regression."""
    if not settings.trains_by_gradient:
        return None
    names = {each.name for each in fields(HeadSettings)}.difference(without)
    given = {name: value for name, value in settings.model_dump(include=names).items() if value is not None}
    return HeadSettings(**given)


def describe_head(settings: ExpertConfig) -> dict[str, Any]:
    """Return the card's settings."""
    return {
        **settings.model_dump(mode="json"),
        "head": "gradient" if settings.trains_by_gradient else "ridge",
    }
