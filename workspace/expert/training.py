"""Train a domain expert over a workspace's categories and save it (Dual-Expert 3.1).

The expert is a weighted sum of parts (stacking). One is trained by the two-phase loss; the others are computed from
the products and the categories' names in closed form (`models.expert`). The weights are learned by cross-validation:
each fold is scored by parts made from the other folds. With a fine-tuned encoder, which has seen the train part,
only the dev part is held out.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.expert.encoder_export import Exported, export_encoder, open_encoder
from taxonaut.models.expert.finetune import Finetuned, FinetuneSettings, finetune, make_synthetic_texts
from taxonaut.models.expert.fitting import FittingInput, Products, Split, fit
from taxonaut.models.expert.heads import HeadSettings, torch_module
from taxonaut.models.expert.transformer import check_folder
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, tell
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.core.container import close
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.experts import ENCODER, ExpertCard, Experts
from taxonaut.workspace.expert.training_data import Example, TrainingData, prepare_training_data
from taxonaut.workspace.files.item_files import ItemRow

DEFAULTS = FinetuneSettings(epochs=4)

ENCODER_SETTINGS = ("epochs", "patience", "batch", "learning_rate")
"""Settings of [expert] that apply to the encoder if there is one; unset ones have their value in DEFAULTS."""

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

    The epoch that is best on the dev part is kept. Raises as `finetune` does.
    """
    folder, how = (
        Path(workspace.config.expert.encoder).expanduser(),
        encoder_settings(workspace.config.expert),
    )
    check_folder(folder)
    number = {label: place for place, label in enumerate(data.labels)}
    texts, targets = split_texts_and_targets(data.train, number)
    made = make_synthetic_products(workspace, data.train)
    tell(Progress("fine-tuning the encoder"))
    found = finetune(
        folder,
        [*texts, *(text for _, text in made)],
        [*targets, *(targets[source] for source, _ in made)],
        *split_texts_and_targets(data.dev, number),
        len(number),
        how,
        out,
        lambda epoch: tell(Progress("fine-tuning the encoder", epoch.number, epoch.of)),
    )
    tell(Progress("converting the encoder"))
    exported = export_encoder(out, sample_evenly(texts))
    embedder = open_encoder(out)
    try:
        stored = StoredEmbedder(embedder, workspace.wiring.embeddings)
        yield TunedEncoder(stored, describe_encoder(how, exported, embedder.name), describe_metrics(found))
    finally:
        close(embedder)


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


def describe_encoder(how: FinetuneSettings, exported: Exported, embedder: str) -> dict[str, Any]:
    """Return the card's settings of the encoder: its training, and what serves it."""
    used = {name: getattr(how, name) for name in ENCODER_SETTINGS}
    served = {"embedder": embedder, "served_by": "ONNX Runtime" if exported.path else "PyTorch"}
    return {**used, **served, **({} if exported.path else {"no_onnx": exported.reason})}


def describe_metrics(found: Finetuned) -> dict[str, Any]:
    """Return the card's metrics of the encoder; the accuracy is that of its own head on the dev part."""
    accuracy = {} if found.dev_accuracy is None else {"accuracy": round(found.dev_accuracy, 4)}
    return {**accuracy, "passes": found.epochs, "best_pass": found.best.number, "device": found.device}


HEAD = "head"

Lookup = Callable[..., Matrix]
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

    Metrics are those of the dev part if there is one, else cross-validated. Raises MissingExtraError without
    PyTorch, and InputError for an encoder that cannot be fine-tuned.
    """
    torch_module()
    if workspace.config.expert.encoder:
        return train_encoder(workspace, data)
    started = time.perf_counter()
    settings, stored = workspace.config.expert, workspace.wiring.stored
    material = prepare_input(workspace, data, data.train, stored.lookup)
    dev = None
    if data.dev:
        dev = embed_products(data, data.dev, stored.lookup, "embedding dev products")
    fitting = fit(material, dev, head_settings(settings), lexical=settings.lexical)
    card = ExpertCard(
        kind=HEAD,
        data=dict(data.summary),
        settings={**settings.model_dump(mode="json"), "embedder": stored.embedder.name},
        metrics={**fitting.metrics, "seconds": seconds_since(started)},
    )
    return Experts(workspace).save(card, fitting.head.save, data.train)


def train_encoder(workspace: Core, data: TrainingData) -> ExpertCard:
    """Fine-tune the encoder, then train on its vectors, as `train_on` does.

    Only weights and temperature are learned from a dev part given by the user; a held-out one also becomes
    training data of the final expert.
    """
    started = time.perf_counter()
    settings, experts = workspace.config.expert, Experts(workspace)
    with experts.staging_folder() as place, tune_encoder(workspace, data, place / ENCODER) as encoder:
        examples = [*data.train, *data.dev]
        material = prepare_input(workspace, data, examples, encoder.stored.lookup)
        everything, learned = np.arange(len(examples)), len(data.train)
        whole = everything[:learned] if data.summary["dev_given"] else everything
        split = Split([everything[learned:]], whole)
        how = head_settings(settings, without=ENCODER_SETTINGS)
        fitting = fit(material, None, how, lexical=settings.lexical, split=split)

        def write(folder: Path) -> None:
            (place / ENCODER).rename(folder / ENCODER)
            fitting.head.save(folder)

        card = ExpertCard(
            kind=ENCODER,
            data=dict(data.summary),
            settings={**settings.model_dump(mode="json"), **encoder.settings},
            metrics={**fitting.metrics, "encoder": encoder.metrics, "seconds": seconds_since(started)},
        )
        return experts.save(card, write, [examples[number] for number in whole])


def seconds_since(started: float) -> float:
    """Return the elapsed seconds, rounded to a tenth."""
    return round(time.perf_counter() - started, 1)


def prepare_input(
    workspace: Core,
    data: TrainingData,
    examples: Sequence[Example],
    lookup: Lookup,
) -> FittingInput:
    """Embed products, synthetic products and categories as the input of `fit`."""
    texts = workspace.wiring.label_texts()
    path_texts = [texts[label] for label in data.labels]
    paths = [text.split(PATH_SEPARATOR) for text in path_texts]
    names = [path[-1] for path in paths]
    found = embed_products(data, examples, lookup, "embedding products")
    made = make_synthetic_products(workspace, examples)
    sources = np.array([source for source, _ in made], np.int64)
    made_texts = [text for _, text in made]
    return FittingInput(
        labels=data.labels,
        products=found,
        synthetic=Products(
            made_texts, lookup(made_texts, "embedding synthetic products"), found.targets[sources]
        ),
        sources=sources,
        paths=paths,
        path_texts=path_texts,
        path_vectors=lookup(path_texts, "embedding categories"),
        names=names,
        name_vectors=lookup(names),
    )


def embed_products(data: TrainingData, examples: Sequence[Example], lookup: Lookup, stage: str) -> Products:
    """Embed products, with their categories as a sparse matrix; several categories share the weight."""
    from scipy.sparse import csr_matrix

    number = {label: place for place, label in enumerate(data.labels)}
    texts = [example.item.text for example in examples]
    counts = [len(example.labels) for example in examples]
    rows = np.repeat(np.arange(len(examples)), counts)
    columns = [number[label] for example in examples for label in example.labels]
    shares = np.repeat(1 / np.array(counts, np.float32), counts)
    targets: Any = csr_matrix(
        (shares.astype(np.float32), (rows, columns)), shape=(len(examples), len(number))
    )
    return Products(texts, lookup(texts, stage), targets)


def head_settings(settings: ExpertConfig, *, without: Collection[str] = ()) -> HeadSettings:
    """Return the settings of the head's training, except those in `without`."""
    names = {each.name for each in fields(HeadSettings)}.difference(without)
    given = {name: value for name, value in settings.model_dump(include=names).items() if value is not None}
    return HeadSettings(**given)
