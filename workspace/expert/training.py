"""Train a domain expert over a workspace's categories and keep it (Dual-Expert 3.1).

The expert is a sum of parts. One is trained by the two-phase loss; the others follow from the products and from
the categories' names in closed form (`models.expert_parts`). How much each counts is learned from products that it
was not made from: they are divided into folds, and each fold is scored by parts that the others made. A fine-tuned
encoder has seen its train part: there the dev part alone is held out.
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
from taxonaut.workspace.expert.training_data import Example, TrainingData, training_data
from taxonaut.workspace.files.item_files import ItemRow

DEFAULTS = FinetuneSettings(epochs=4)

OF_ENCODER = ("epochs", "patience", "batch", "learning_rate")
"""Settings of [expert] that are the encoder's where there is one; those that a person has not set are in DEFAULTS."""

COMPARED = 200
"""Products on which the exported encoder is compared with the trained one."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A fine-tuned encoder in use, with what the model card says of it."""

    stored: StoredEmbedder
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]


@contextmanager
def tuned(workspace: Core, data: TrainingData, out: Path) -> Iterator[Tuned]:
    """Fine-tune [expert] encoder on the train part, write it to the folder `out`, and give it while the block runs.

    The dev part says which pass is kept. Its vectors are kept in the workspace under a name of their own. Raises
    as `finetune` does.
    """
    folder, how = (
        Path(workspace.config.expert.encoder).expanduser(),
        encoder_settings(workspace.config.expert),
    )
    check_folder(folder)
    number = {label: place for place, label in enumerate(data.labels)}
    texts, targets = labelled(data.train, number)
    made = augmented(workspace, data.train)
    tell(Progress("fine-tuning the encoder"))
    found = finetune(
        folder,
        [*texts, *(text for _, text in made)],
        [*targets, *(targets[source] for source, _ in made)],
        *labelled(data.dev, number),
        len(number),
        how,
        out,
        lambda epoch: tell(Progress("fine-tuning the encoder", epoch.number, epoch.of)),
    )
    tell(Progress("converting the encoder"))
    exported = export_encoder(out, sample(texts))
    embedder = open_encoder(out)
    try:
        stored = StoredEmbedder(embedder, workspace.wiring.embeddings)
        yield Tuned(stored, told(how, exported, embedder.name), judged(found))
    finally:
        close(embedder)


def encoder_settings(settings: ExpertConfig) -> FinetuneSettings:
    """Return what the encoder is trained by."""
    names = {each.name for each in fields(FinetuneSettings)}
    unset = set(OF_ENCODER) - settings.model_fields_set
    return replace(DEFAULTS, **settings.model_dump(include=names - unset))


def augmented(workspace: Core, examples: Sequence[Example]) -> list[tuple[int, str]]:
    """Make synthetic products: the number of an example, and a text with the path of its category."""
    settings, texts = workspace.config.expert, workspace.wiring.label_texts()
    paths = [texts[example.labels[0]].split(PATH_SEPARATOR) for example in examples]
    return make_synthetic_texts(
        [example.item.text for example in examples], paths, settings.augment, settings.seed
    )


def labelled(
    examples: Sequence[Example], number: Mapping[LabelId, int]
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return texts, and the columns of each one's categories."""
    columns = [tuple(number[label] for label in example.labels) for example in examples]
    return [example.item.text for example in examples], columns


def sample(texts: Sequence[str]) -> list[str]:
    """Take some texts from all over."""
    places = np.linspace(0, len(texts) - 1, min(COMPARED, len(texts))).astype(int)
    return [texts[place] for place in places]


def told(how: FinetuneSettings, exported: Exported, embedder: str) -> dict[str, Any]:
    """Say on the card what the encoder was trained by and what serves it."""
    used = {name: getattr(how, name) for name in OF_ENCODER}
    served = {"embedder": embedder, "served_by": "gguf" if exported.path else "PyTorch"}
    return {**used, **served, **({} if exported.path else {"no_gguf": exported.reason})}


def judged(found: Finetuned) -> dict[str, Any]:
    """Say on the card how the training went; the accuracy is that of the encoder's own head, on dev."""
    accuracy = {} if found.dev_accuracy is None else {"accuracy": round(found.dev_accuracy, 4)}
    return {**accuracy, "passes": found.epochs, "best_pass": found.best.number, "device": found.device}


HEAD = "head"

Lookup = Callable[..., Matrix]
"""`StoredEmbedder.lookup`: texts, and what is told how far it is, to unit vectors."""


def train_expert(
    workspace: Core,
    rows: Sequence[ItemRow],
    *,
    dev_rows: Sequence[ItemRow] | None = None,
    skip_unknown: bool = False,
) -> ExpertCard:
    """Train an expert on labelled products, keep it and return its card.

    `dev_rows`: products to judge it by; without them some of `rows` are held out. `skip_unknown`: leave out
    products of categories that the index does not have. Raises as `training_data` and `train_on` do.
    """
    settings = workspace.config.expert
    data = training_data(
        workspace,
        rows,
        dev_rows,
        share=settings.dev if settings.encoder else None,
        seed=settings.seed,
        skip_unknown=skip_unknown,
    )
    return train_on(workspace, data)


def train_on(workspace: Core, data: TrainingData) -> ExpertCard:
    """Train on checked products, keep the expert and return its card.

    Metrics are of the dev part if there is one, else of products held out fold by fold. Raises MissingExtraError
    without PyTorch, and InputError for an encoder that cannot be fine-tuned.
    """
    torch_module()
    if workspace.config.expert.encoder:
        return train_encoder(workspace, data)
    started = time.perf_counter()
    settings, stored = workspace.config.expert, workspace.wiring.stored
    material = gathered(workspace, data, data.train, stored.lookup)
    dev = None
    if data.dev:
        dev = products(data, data.dev, stored.lookup, "embedding dev products")
    fitting = fit(material, dev, head_settings(settings), lexical=settings.lexical)
    card = ExpertCard(
        kind=HEAD,
        data=dict(data.summary),
        settings={**settings.model_dump(mode="json"), "embedder": stored.embedder.name},
        metrics={**fitting.metrics, "seconds": seconds_since(started)},
    )
    return Experts(workspace).save(card, fitting.head.save, data.train)


def train_encoder(workspace: Core, data: TrainingData) -> ExpertCard:
    """Do what `train_on` does, on the vectors of an encoder that is fine-tuned first.

    Of a dev part that was given, nothing but weights and temperature is learned; one that was held out becomes
    part of what the expert is made of at last.
    """
    started = time.perf_counter()
    settings, experts = workspace.config.expert, Experts(workspace)
    with experts.workshop() as place, tuned(workspace, data, place / ENCODER) as encoder:
        examples = [*data.train, *data.dev]
        material = gathered(workspace, data, examples, encoder.stored.lookup)
        everything, learned = np.arange(len(examples)), len(data.train)
        whole = everything[:learned] if data.summary["dev_given"] else everything
        split = Split([everything[learned:]], whole)
        how = head_settings(settings, without=OF_ENCODER)
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
    """Return how long it took, to a tenth."""
    return round(time.perf_counter() - started, 1)


def gathered(
    workspace: Core,
    data: TrainingData,
    examples: Sequence[Example],
    lookup: Lookup,
) -> FittingInput:
    """Put together what the expert is made from; `lookup` gives texts their vectors."""
    texts = workspace.wiring.label_texts()
    path_texts = [texts[label] for label in data.labels]
    paths = [text.split(PATH_SEPARATOR) for text in path_texts]
    names = [path[-1] for path in paths]
    found = products(data, examples, lookup, "embedding products")
    made = augmented(workspace, examples)
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


def products(data: TrainingData, examples: Sequence[Example], lookup: Lookup, stage: str) -> Products:
    """Embed products and put their categories beside them; several share the weight."""
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
    """Return what the head is trained by, some of it by default."""
    names = {each.name for each in fields(HeadSettings)}.difference(without)
    given = {name: value for name, value in settings.model_dump(include=names).items() if value is not None}
    return HeadSettings(**given)
