"""Write definitions of categories as a run: finished ones are kept, a killed run continues (Dual-Expert 3.2.2)."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from taxonaut.agents.architect import clip_line
from taxonaut.agents.definition_writer import TEMPLATE, DefinitionWriter, Subject
from taxonaut.agents.support.texts import path_text
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.models.embedder import Matrix
from taxonaut.state.db.json_codec import dump
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import LabelId, NodeId, RunId
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.definitions import COMPOSED, Definition, Definitions
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import OnUpdate, Progress, listening, staged, tell
from taxonaut.tools.support.names import class_terms, shortest_unique_suffixes
from taxonaut.tools.write.choose_examples import POOL, choose_examples
from taxonaut.tools.write.write_definition import TERMS_SHOWN, WrittenDefinition, compose_definition
from taxonaut.workspace.build.build_agents import model_identity
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import BatchResult, Resumable, Unit, hash_text
from taxonaut.workspace.expert.category_texts import category_paths, category_texts, forget_texts
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training_data import Example, inner_labels

AT_ONCE = 4096
"""Texts that are embedded together."""

SIBLINGS = 12
"""Neighbours that a prompt names; of more, those whose names are nearest."""


def categories(workspace: Core, examples: Mapping[LabelId, Sequence[Example]]) -> list[LabelId]:
    """Return the categories: leaves of the index, and inner ones that have products, in import order."""
    inner = inner_labels(workspace.index)
    return [label for label in workspace.index.label_ids() if label not in inner or label in examples]


def subjects(
    workspace: Core,
    labels: Sequence[LabelId],
    examples: Mapping[LabelId, Sequence[Example]],
    *,
    siblings: bool,
) -> list[Subject]:
    """Prepare categories for their definition, in order; `siblings`: with the names of their neighbours.

    Of a category with more products than are shown, those that stand for it are found by their vectors, which
    are kept.
    """
    how, lookup = workspace.config.categorize, workspace.wiring.stored.lookup
    embed(workspace, [examples.get(label, ()) for label in labels])
    paths = category_paths(workspace, labels)
    neighbours = Neighbours(workspace) if siblings else None
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
            Item(known[row].item.id, clip_line(known[row].item.text, how.characters)) for row in rows
        )
        found.append(Subject(label, paths[label], neighbours.of(label) if neighbours else (), products))
    return found


def embed(workspace: Core, groups: Sequence[Sequence[Example]]) -> None:
    """Embed the products of the groups among which there is a choice; of very large ones that is done later."""
    least = workspace.config.categorize.examples
    texts = [each.item.text for group in groups if least < len(group) <= POOL for each in group]
    for start in range(0, len(texts), AT_ONCE):
        part = texts[start : start + AT_ONCE]
        workspace.wiring.stored.lookup(part)
        tell(Progress("embedding products", start + len(part), len(texts)))


def subject_key(subject: Subject, *more: object) -> str:
    """A fingerprint of what a definition is written from."""
    products = [[example.id, example.text] for example in subject.examples]
    return hash_text(dump([subject.label, list(subject.path), list(subject.siblings), products, *more]))


class Neighbours:
    """The names beside each category: those of the nodes and labels that stand where it stands."""

    def __init__(self, workspace: Core) -> None:
        self.index = workspace.index
        self.lookup = workspace.wiring.stored.lookup
        self.groups: dict[NodeId | None, tuple[str, ...]] = {}
        self.known: dict[str, Matrix] = {}

    def of(self, label: LabelId) -> tuple[str, ...]:
        """Return the names beside a label, its own left out: in the tree's order, or of many the nearest first."""
        own = self.index.label(label).name
        beside = dict.fromkeys(name for place in self.places(label) for name in self.group(place))
        names = [name for name in beside if name.casefold() != own.casefold()]
        if len(names) <= SIBLINGS:
            return tuple(names)
        vectors = self.vectors([own, *names])
        order = (-(vectors[1:] @ vectors[0]).round(5)).argsort(kind="stable")[:SIBLINGS]
        return tuple(names[place] for place in order.tolist())

    def vectors(self, names: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d) of names, each looked up once."""
        missing = [name for name in dict.fromkeys(names) if name not in self.known]
        if missing:
            self.known |= dict(zip(missing, self.lookup(missing), strict=True))
        return np.stack([self.known[name] for name in names])

    def places(self, label: LabelId) -> list[NodeId | None]:
        """Return the nodes that a label stands in beside others; None for the set of labels without a tree."""
        found: list[NodeId | None] = []
        for node in self.index.placements_of(label):
            if self.index.node(node).label_id == label:
                found += [parent.id for parent in self.index.parents(node)]
            else:
                found.append(node)
        return found or [None]

    def group(self, place: NodeId | None) -> tuple[str, ...]:
        """Return the names in one place."""
        if place not in self.groups:
            self.groups[place] = tuple(dict.fromkeys(self.names(place)))
        return self.groups[place]

    def names(self, place: NodeId | None) -> list[str]:
        """Read the names in one place: nodes, then labels but for the one that is the place itself."""
        if place is None:
            return [label.name for label in self.index.all_labels()]
        above = self.index.node(place).label_id
        labels = [label.name for label in self.index.labels_at(place) if label.id != above]
        return [node.name for node in self.index.children(place)] + labels


__all__ = ["DefinitionReport", "adefine", "category_texts", "define", "writes_prose"]

KIND = "define"
STAGE = "writing definitions"
"""Stands where a definition has its template, if no model wrote it."""

NOTE = "expert define"
TEXTS_COUNTED = 64
"""Products of a category whose words are counted."""


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """What came of a call.

    `written` are the definitions that are new in the index, `unchanged` those whose products, template and model
    are as they were, `own` the categories with a description of the person's, which was left alone. `failed` says
    what was wrong, by category; they keep what they had, and are asked again next time. `left`: beyond the limit.
    `decisions` are the requests of this call.
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
    """Define categories from the products of the newest expert's training, as one change to the index.

    `labels`: which; None: all. `limit`: most that are written in this call, 0: all. `overwrite`: descriptions from
    the person's label file are replaced as well. An encoder, or a model that only scores options, writes no prose:
    its definitions are composed of telling words and products. Raises NotFoundError without a
    trained expert or for an unknown category, ModelUnavailableError when the model does not answer; what was finished
    is kept.
    """
    if limit < 0:
        raise InputError(f"the limit is {limit!r}; give the number of definitions to write, or 0 for all")
    examples = Experts(workspace).examples()
    chosen = categories(workspace, examples) if labels is None else list(dict.fromkeys(labels))
    defining = Defining(workspace, examples)
    standing = Definitions(workspace.database).standing()
    own = {
        label.id
        for label in workspace.index.labels(chosen)
        if label.description and label.id not in standing and not overwrite
    }
    prepared = defining.prepared([label for label in chosen if label not in own])
    due = [one for one in prepared if not defining.stands(one, standing)]
    taken = due[: limit or None]
    with listening(on_update):
        done = await defining.define(taken)
    with defining.run.recording() as run:
        written = defining.put(run.id, taken, done)
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
    """Do what `adefine` does, from synchronous code."""
    return PORTAL.run(adefine(workspace, labels, limit=limit, overwrite=overwrite, on_update=on_update))


def writes_prose(workspace: Core) -> bool:
    """Whether the general expert's model can write a definition: an encoder or one that scores options cannot."""
    model = workspace.config.models.general_expert
    return model.provider != ENCODER and model.answer == "generated"


@dataclass(frozen=True, slots=True)
class Due:
    """A definition that is to be written. `id` says what from; `words` are set where no model writes it."""

    id: str
    subject: Subject
    words: WrittenDefinition | None = None


@dataclass(frozen=True, slots=True)
class Defined:
    """What was written for a category, or why nothing was."""

    label: LabelId
    words: WrittenDefinition | None
    error: str = ""


def load_words(row: Mapping[str, Any]) -> Defined:
    """Return what a unit of a run keeps."""
    return Defined(LabelId(row["label"]), WrittenDefinition(row["title"], row["definition"]))


def dump_words(one: Defined) -> dict[str, Any] | None:
    """Return what was written as plain values, for its unit."""
    if one.words is None:
        return None
    return {"label": one.label, "title": one.words.title, "definition": one.words.definition}


UNIT: Unit[Due, Defined] = Unit(lambda due: due.id, load_words, dump_words)
"""How a definition is kept."""


class Defining:
    """One way of writing definitions, as a run: same model, template, task and settings."""

    def __init__(self, workspace: Core, examples: Mapping[LabelId, Sequence[Example]]) -> None:
        self.workspace = workspace
        self.examples = examples
        self.prose = writes_prose(workspace)
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

    def prepared(self, labels: Sequence[LabelId]) -> list[Due]:
        """Return what categories are written from; with their words where those are composed."""
        found = subjects(self.workspace, labels, self.examples, siblings=self.prose)
        if self.prose:
            return [Due(subject_key(subject), subject) for subject in found]
        composed = self.composed(found)
        return [
            Due(subject_key(subject, *words), subject, words)
            for subject, words in zip(found, composed, strict=True)
        ]

    def composed(self, found: Sequence[Subject]) -> list[WrittenDefinition]:
        """Compose definitions: of the words that tell a category's products from all others', and of products."""
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
        """Return the shortest end of each category's path that no other category shares."""
        paths = category_paths(self.workspace, self.workspace.index.label_ids())
        ends = dict(zip(paths, shortest_unique_suffixes(list(paths.values())), strict=True))
        return {label: ends[label] for label in labels}

    def stands(self, due: Due, standing: Mapping[LabelId, Definition]) -> bool:
        """Whether the index has what would be written."""
        known = standing.get(due.subject.label)
        return known is not None and known.fingerprint == self.definition_key(due)

    def definition_key(self, due: Due) -> str:
        """A definition's fingerprint: what it is written from, and how."""
        return hash_text(f"{self.run.fingerprint} {due.id}")

    async def define(self, taken: Sequence[Due]) -> dict[str, Defined]:
        """Return definitions by what they are written from, batch by batch where a model writes them."""
        if not self.prose:
            return {due.id: Defined(due.subject.label, due.words) for due in taken}
        model = self.workspace.config.models.general_expert
        size = 2 if model.in_process else 2 * model.concurrency
        done = self.run.results(taken, size, self.work, UNIT, stage=STAGE)
        with staged(STAGE, len(taken)):
            async with aclosing(done) as results:
                return {due.id: one async for due, one in results}

    async def work(self, _: RunUnits, batch: Sequence[Due]) -> BatchResult[Defined]:
        """Let the model write a batch; a reply that cannot be used is an answer, and is asked for again."""
        written = await self.writer.write([due.subject for due in batch])
        decisions = [one.decision for one in written]
        self.decisions += decisions
        return BatchResult(
            [Defined(one.subject.label, one.words, str(one.error or "")) for one in written],
            [str(one.error) if isinstance(one.error, ModelUnavailableError) else "" for one in written],
            decisions,
        )

    @cached_property
    def writer(self) -> DefinitionWriter:
        """Return the writer on the general expert's model."""
        workspace = self.workspace
        workspace.store_templates([TEMPLATE])
        model = workspace.wiring.answers(workspace.config.models.general_expert)
        return DefinitionWriter(model, workspace.prompts, workspace.config.task.description)

    def put(self, run: RunId, taken: Sequence[Due], done: Mapping[str, Defined]) -> tuple[Definition, ...]:
        """Make the definitions the descriptions of their labels, as one change."""
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
        forget_texts(self.workspace)
        return found
