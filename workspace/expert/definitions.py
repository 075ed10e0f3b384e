"""Write definitions of categories as a resumable run (Dual-Expert 3.2.2)."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from taxonaut.agents.architect import clip_line
from taxonaut.agents.support.texts import path_text
from taxonaut.agents.writers.definition_writer import TEMPLATE, DefinitionWriter, Subject
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.models.embedder import Matrix
from taxonaut.state.db.json_codec import dump
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Item, hash_text
from taxonaut.state.stores.definitions import COMPOSED, Definition, Definitions
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import OnUpdate, Progress, listening, staged, tell
from taxonaut.tools.support.names import class_terms, shortest_unique_suffixes
from taxonaut.tools.write.choose_examples import POOL, choose_examples
from taxonaut.tools.write.write_definition import TERMS_SHOWN, WrittenDefinition, compose_definition
from taxonaut.workspace.build.build_agents import model_identity
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import BatchResult, Resumable, Unit
from taxonaut.workspace.expert.category_texts import category_paths, clear_category_texts
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training_data import Example, inner_labels

EMBEDDING_BATCH = 4096
"""Texts embedded per batch."""

SIBLINGS = 12
"""Maximum siblings named in a prompt; of more, those with the most similar names."""


def select_categories(workspace: Core, examples: Mapping[LabelId, Sequence[Example]]) -> list[LabelId]:
    """Return the categories to define: leaves, and inner labels that have products, in import order."""
    inner = inner_labels(workspace.index)
    return [label for label in workspace.index.label_ids() if label not in inner or label in examples]


def prepare_subjects(
    workspace: Core,
    labels: Sequence[LabelId],
    examples: Mapping[LabelId, Sequence[Example]],
    *,
    siblings: bool,
) -> list[Subject]:
    """Return the inputs of the categories' definitions, in order; `siblings` adds the names of their siblings.

    If a category has more products than a prompt shows, representative ones are chosen by their vectors.
    """
    how, lookup = workspace.config.categorize, workspace.wiring.stored.lookup
    embed_products(workspace, [examples.get(label, ()) for label in labels])
    paths = category_paths(workspace, labels)
    neighbours = SiblingNames(workspace) if siblings else None
    found = []
    for label in labels:
        known = examples.get(label, ())
        rows = choose_examples(
            [example.item.text for example in known],
            [example.popularity for example in known],
            how.examples,
            lookup,
            how.seed,
        )
        products = tuple(
            Item(known[row].item.id, clip_line(known[row].item.named_text, how.characters)) for row in rows
        )
        found.append(Subject(label, paths[label], neighbours.of(label) if neighbours else (), products))
    return found


def embed_products(workspace: Core, groups: Sequence[Sequence[Example]]) -> None:
    """Embed the products of groups larger than a prompt shows, except very large ones, which are sampled later."""
    least = workspace.config.categorize.examples
    texts = [each.item.text for group in groups if least < len(group) <= POOL for each in group]
    for start in range(0, len(texts), EMBEDDING_BATCH):
        part = texts[start : start + EMBEDDING_BATCH]
        workspace.wiring.stored.lookup(part)
        tell(Progress("embedding products", start + len(part), len(texts)))


def subject_key(subject: Subject, *more: object) -> str:
    """Return a fingerprint of a definition's inputs."""
    products = [[example.id, example.text] for example in subject.examples]
    return hash_text(dump([subject.label, list(subject.path), list(subject.siblings), products, *more]))


class SiblingNames:
    """Names of a category's siblings: nodes and labels under the same parents."""

    def __init__(self, workspace: Core) -> None:
        self.index = workspace.index
        self.lookup = workspace.wiring.stored.lookup
        self.groups: dict[NodeId | None, tuple[str, ...]] = {}
        self.known: dict[str, Matrix] = {}

    def of(self, label: LabelId) -> tuple[str, ...]:
        """Return the names of a label's siblings, in tree order; of many, the most similar ones first."""
        own = self.index.label(label).name
        around = dict.fromkeys(name for place in self.places(label) for name in self.group(place))
        names = [name for name in around if name.casefold() != own.casefold()]
        if len(names) <= SIBLINGS:
            return tuple(names)
        vectors = self.vectors([own, *names])
        order = (-(vectors[1:] @ vectors[0]).round(5)).argsort(kind="stable")[:SIBLINGS]
        return tuple(names[place] for place in order.tolist())

    def vectors(self, names: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d) of names, cached."""
        missing = [name for name in dict.fromkeys(names) if name not in self.known]
        if missing:
            self.known |= dict(zip(missing, self.lookup(missing), strict=True))
        return np.stack([self.known[name] for name in names])

    def places(self, label: LabelId) -> list[NodeId | None]:
        """Return a label's parent nodes; [None], the set of all labels, if it is not placed."""
        found: list[NodeId | None] = []
        for node in self.index.placements_of(label):
            if self.index.node(node).label_id == label:
                found += [parent.id for parent in self.index.parents(node)]
            else:
                found.append(node)
        return found or [None]

    def group(self, place: NodeId | None) -> tuple[str, ...]:
        """Return the names under a parent, cached."""
        if place not in self.groups:
            self.groups[place] = tuple(dict.fromkeys(self.names(place)))
        return self.groups[place]

    def names(self, place: NodeId | None) -> list[str]:
        """Read the names under a parent: nodes, then labels except the parent's own."""
        if place is None:
            return [label.name for label in self.index.all_labels()]
        above = self.index.node(place).label_id
        labels = [label.name for label in self.index.labels_at(place) if label.id != above]
        return [node.name for node in self.index.children(place)] + labels


KIND = "define"
STAGE = "writing definitions"
NOTE = "expert define"
TEXTS_COUNTED = 64
"""Products per category whose words are counted."""


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """The result of a call.

    `written` are new definitions in the index; `unchanged` counts those whose products, template and model are
    unchanged, `own` categories with an imported description, which is kept, `left` those beyond the limit.
    `failed` has the errors by category; these are requested again next time. `decisions` are the requests of this
    call.
    """

    model: str
    composed: bool
    written: tuple[Definition, ...]
    unchanged: int
    own: int
    left: int
    failed: Mapping[LabelId, str]
    decisions: tuple[Decision, ...]


async def adefine(
    workspace: Core,
    labels: Sequence[LabelId] | None = None,
    *,
    limit: int = 0,
    overwrite: bool = False,
    on_update: OnUpdate | None = None,
) -> DefinitionReport:
    """Define categories from the newest expert's training products, as one change to the index.

    `labels`: the categories, None for all. `limit`: maximum definitions to write, 0 for all. `overwrite`:
    replace descriptions from the label file too. If the model writes no prose (an encoder, or one that scores
    options), definitions are composed of distinctive words and products. Raises NotFoundError without a trained
    expert or for an unknown category, ModelUnavailableError if the model does not answer; finished definitions
    are kept.
    """
    if limit < 0:
        raise InputError(f"invalid limit {limit!r}; give the number of definitions to write, or 0 for all")
    examples = Experts(workspace).examples()
    chosen = select_categories(workspace, examples) if labels is None else list(dict.fromkeys(labels))
    defining = DefinitionRun(workspace, examples)
    standing = Definitions(workspace.database).standing()
    own = {
        label.id
        for label in workspace.index.labels(chosen)
        if label.description and label.id not in standing and not overwrite
    }
    prepared = defining.prepare([label for label in chosen if label not in own])
    due = [one for one in prepared if not defining.is_current(one, standing)]
    taken = due[: limit or None]
    with listening(on_update):
        done = await defining.define(taken)
    with defining.run.recording() as run:
        written = defining.store(run.id, taken, done)
    return DefinitionReport(
        model=workspace.config.models.general_expert.model,
        composed=not defining.prose,
        written=written,
        unchanged=len(prepared) - len(due),
        own=len(own),
        left=len(due) - len(taken),
        failed={one.label: one.error for one in done.values() if one.error},
        decisions=tuple(defining.decisions),
    )


def define(
    workspace: Core,
    labels: Sequence[LabelId] | None = None,
    *,
    limit: int = 0,
    overwrite: bool = False,
    on_update: OnUpdate | None = None,
) -> DefinitionReport:
    """Run `adefine` from synchronous code."""
    return PORTAL.run(adefine(workspace, labels, limit=limit, overwrite=overwrite, on_update=on_update))


def can_write_prose(workspace: Core) -> bool:
    """Whether the general expert's model generates text: encoders and models that score options do not."""
    model = workspace.config.models.general_expert
    return model.provider != ENCODER and model.answer == "generated"


@dataclass(frozen=True, slots=True)
class PendingDefinition:
    """A definition to write. `id` is the fingerprint of its inputs; `words` is set if no model writes it."""

    id: str
    subject: Subject
    words: WrittenDefinition | None = None


@dataclass(frozen=True, slots=True)
class DefinitionOutcome:
    """The text written for a category, or the error."""

    label: LabelId
    words: WrittenDefinition | None
    error: str = ""


def load_words(row: Mapping[str, Any]) -> DefinitionOutcome:
    """Return a definition from the JSON values of its unit."""
    return DefinitionOutcome(LabelId(row["label"]), WrittenDefinition(row["title"], row["definition"]))


def dump_words(one: DefinitionOutcome) -> dict[str, Any] | None:
    """Return a definition as JSON values for its unit, None after an error."""
    if one.words is None:
        return None
    return {"label": one.label, "title": one.words.title, "definition": one.words.definition}


UNIT: Unit[PendingDefinition, DefinitionOutcome] = Unit(lambda due: due.id, load_words, dump_words)
"""How a definition is stored in a run."""


class DefinitionRun:
    """A resumable run that writes definitions with one model, template, task and settings."""

    def __init__(self, workspace: Core, examples: Mapping[LabelId, Sequence[Example]]) -> None:
        self.workspace = workspace
        self.examples = examples
        self.prose = can_write_prose(workspace)
        self.decisions: list[Decision] = []
        config = workspace.config
        how = config.categorize
        settings = {
            "model": model_identity(config.models.general_expert),
            "task": config.task.description,
            "template": workspace.prompts.hash(TEMPLATE) if self.prose else COMPOSED,
            "examples": how.examples,
            "characters": how.characters,
            "seed": how.seed,
        }
        self.run = Resumable(workspace.runs, KIND, settings)

    def prepare(self, labels: Sequence[LabelId]) -> list[PendingDefinition]:
        """Return the definitions to write, already composed if the model writes no prose."""
        found = prepare_subjects(self.workspace, labels, self.examples, siblings=self.prose)
        if self.prose:
            return [PendingDefinition(subject_key(subject), subject) for subject in found]
        composed = self.compose(found)
        return [
            PendingDefinition(subject_key(subject, *words), subject, words)
            for subject, words in zip(found, composed, strict=True)
        ]

    def compose(self, found: Sequence[Subject]) -> list[WrittenDefinition]:
        """Compose definitions of distinctive words (class-based TF-IDF) and example products."""
        counted = list(self.examples)
        characters = self.workspace.config.categorize.characters
        terms = class_terms(
            [
                [example.item.text[:characters] for example in self.examples[label][:TEXTS_COUNTED]]
                for label in counted
            ],
            TERMS_SHOWN,
        )
        telling = dict(zip(counted, terms, strict=True))
        ends = self.short_titles([subject.label for subject in found])
        return [
            compose_definition(
                ends[subject.label],
                path_text(subject.path[:-1]),
                telling.get(subject.label, ()),
                [example.text for example in subject.examples],
            )
            for subject in found
        ]

    def short_titles(self, labels: Sequence[LabelId]) -> dict[LabelId, str]:
        """Return the shortest unique suffix of each category's path."""
        paths = category_paths(self.workspace, self.workspace.index.label_ids())
        ends = dict(zip(paths, shortest_unique_suffixes(list(paths.values())), strict=True))
        return {label: ends[label] for label in labels}

    def is_current(self, due: PendingDefinition, standing: Mapping[LabelId, Definition]) -> bool:
        """Whether the index has a definition written from the same inputs in the same way."""
        known = standing.get(due.subject.label)
        return known is not None and known.fingerprint == self.definition_key(due)

    def definition_key(self, due: PendingDefinition) -> str:
        """Return a definition's fingerprint: its inputs and the run's settings."""
        return hash_text(f"{self.run.fingerprint} {due.id}")

    async def define(self, taken: Sequence[PendingDefinition]) -> dict[str, DefinitionOutcome]:
        """Return definitions by the fingerprint of their inputs; a model writes them in batches."""
        if not self.prose:
            return {due.id: DefinitionOutcome(due.subject.label, due.words) for due in taken}
        model = self.workspace.config.models.general_expert
        size = 2 if model.in_process else 2 * model.concurrency
        done = self.run.results(taken, size, self.work, UNIT, stage=STAGE)
        with staged(STAGE, len(taken)):
            async with aclosing(done) as results:
                return {due.id: one async for due, one in results}

    async def work(self, _: RunUnits, batch: Sequence[PendingDefinition]) -> BatchResult[DefinitionOutcome]:
        """Let the model write a batch; only an unavailable model counts as a failed request."""
        written = await self.writer.write([due.subject for due in batch])
        decisions = [one.decision for one in written]
        self.decisions += decisions
        return BatchResult(
            [DefinitionOutcome(one.subject.label, one.words, str(one.error or "")) for one in written],
            [str(one.error) if isinstance(one.error, ModelUnavailableError) else "" for one in written],
            decisions,
        )

    @cached_property
    def writer(self) -> DefinitionWriter:
        """The writer on the general expert's model."""
        workspace = self.workspace
        workspace.store_templates([TEMPLATE])
        model = workspace.wiring.answers(workspace.config.models.general_expert)
        return DefinitionWriter(model, workspace.prompts, workspace.config.task.description)

    def store(
        self, run: RunId, taken: Sequence[PendingDefinition], done: Mapping[str, DefinitionOutcome]
    ) -> tuple[Definition, ...]:
        """Store definitions as the descriptions of their labels, in one change."""
        found = tuple(
            Definition(
                label=due.subject.label,
                title=words.title,
                definition=words.definition,
                fingerprint=self.definition_key(due),
                items=tuple(example.id for example in due.subject.examples),
                template=TEMPLATE if self.prose else COMPOSED,
                template_hash=self.workspace.prompts.hash(TEMPLATE) if self.prose else "",
                model=self.workspace.config.models.general_expert.model,
                run=run,
            )
            for due in taken
            if (words := done[due.id].words) is not None
        )
        with self.workspace.database.write(), self.workspace.index.change(NOTE):
            self.workspace.index.describe_labels({one.label: one.definition for one in found})
            Definitions(self.workspace.database).put(found)
        clear_category_texts(self.workspace)
        return found
