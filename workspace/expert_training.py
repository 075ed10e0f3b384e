"""Train a domain expert over a workspace's categories and keep it (Dual-Expert 3.1).

The expert is a sum of parts. One is trained by the two-phase loss; the others follow from the products and from
the categories' names in closed form (`models.expert_parts`). How much each counts is learned from products that it
was not made from: they are divided into folds, and each fold is scored by parts that the others made.
"""

import time
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.agents.texts import PATH_SEPARATOR
from taxonaut.models.augmentation import synthetic
from taxonaut.models.expert_fitting import Material, Products, fit
from taxonaut.models.head_training import HeadSettings, torch_module
from taxonaut.workspace.experts import ExpertCard, Experts, OnStage
from taxonaut.workspace.tree_builder import Progress

if TYPE_CHECKING:
    from taxonaut.workspace.config import ExpertConfig
    from taxonaut.workspace.expert_data import Example, TrainingData
    from taxonaut.workspace.workspace import Workspace

HEAD = "head"


def train_expert(workspace: "Workspace", data: "TrainingData", on_stage: OnStage) -> ExpertCard:
    """Train on checked products, keep the expert and return its card.

    Metrics are of the dev part if the person gave one, else of products held out fold by fold. Raises
    MissingExtraError without PyTorch.
    """
    torch_module()
    started = time.perf_counter()
    settings = workspace.config.expert
    given = bool(data.summary.get("dev_given"))
    examples = list(data.train) if given else [*data.train, *data.dev]
    material = gathered(workspace, data, examples, on_stage)
    dev = None
    if given:
        dev = products(workspace, data, data.dev, on_stage("embedding dev products"))
    fitting = fit(material, dev, head_settings(settings), on_stage, lexical=settings.lexical)
    card = ExpertCard(
        kind=HEAD,
        data=dict(data.summary),
        settings={**settings.model_dump(mode="json"), "embedder": workspace.wiring.stored.embedder.name},
        metrics={**fitting.metrics, "seconds": round(time.perf_counter() - started, 1)},
    )
    return Experts(workspace).save(card, fitting.head.save, examples)


def gathered(
    workspace: "Workspace", data: "TrainingData", examples: "Sequence[Example]", on_stage: OnStage
) -> Material:
    """Put together what the expert is made from."""
    settings, lookup = workspace.config.expert, workspace.wiring.stored.lookup
    texts = workspace.wiring.label_texts()
    path_texts = [texts[label] for label in data.labels]
    paths = [text.split(PATH_SEPARATOR) for text in path_texts]
    names = [path[-1] for path in paths]
    found = products(workspace, data, examples, on_stage("embedding products"))
    number = {label: place for place, label in enumerate(data.labels)}
    of_product = [paths[number[example.labels[0]]] for example in examples]
    made = synthetic([example.item.text for example in examples], of_product, settings.augment, settings.seed)
    sources = np.array([source for source, _ in made], np.int64)
    made_texts = [text for _, text in made]
    return Material(
        labels=data.labels,
        products=found,
        synthetic=Products(
            made_texts, lookup(made_texts, on_stage("embedding synthetic products")), found.targets[sources]
        ),
        sources=sources,
        paths=paths,
        path_texts=path_texts,
        path_vectors=lookup(path_texts, on_stage("embedding categories")),
        names=names,
        name_vectors=lookup(names),
    )


def products(
    workspace: "Workspace", data: "TrainingData", examples: "Sequence[Example]", progress: Progress
) -> Products:
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
    return Products(texts, workspace.wiring.stored.lookup(texts, progress), targets)


def head_settings(settings: "ExpertConfig") -> HeadSettings:
    """Return what the head is trained by."""
    names = {each.name for each in fields(HeadSettings)}
    given = {name: value for name, value in settings.model_dump(include=names).items() if value is not None}
    return HeadSettings(**given)
