"""Write definitions of categories as a run: finished ones are kept, a killed run continues (Dual-Expert 3.2.2)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxonaut.agents.definition_writer import TEMPLATE, DefinitionWriter, Subject
from taxonaut.agents.texts import path_text
from taxonaut.models.catalog import ENCODER
from taxonaut.state.definitions import Definition, Definitions
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import LabelId, RunId
from taxonaut.state.records import Decision
from taxonaut.tools.centre_names import class_terms
from taxonaut.tools.write_definition import TERMS_SHOWN, Words, compose_definition
from taxonaut.workspace.category_texts import category_paths, category_texts, forget_texts
from taxonaut.workspace.crew import identity
from taxonaut.workspace.definition_subjects import categories, subject_key, subjects
from taxonaut.workspace.template_versions import keep_templates
from taxonaut.workspace.tree_builder import Progress, silent

if TYPE_CHECKING:
    from taxonaut.workspace.expert_data import Example
    from taxonaut.workspace.workspace import Workspace

__all__ = ["DefinitionReport", "adefine", "category_texts", "define", "writes_prose"]

KIND = "define"
COMPOSED = "composed"
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
    workspace: "Workspace",
    labels: Sequence[LabelId] | None = None,
    *,
    limit: int = 0,
    overwrite: bool = False,
    progress: Progress = silent,
    embedding: Progress = silent,
) -> DefinitionReport:
    """Define categories from the products of the newest expert's training, as one change to the index.

    `labels`: which; None: all. `limit`: most that are written in this call, 0: all. `overwrite`: descriptions from
    the person's label file are replaced as well. An encoder, or a model that only scores options, writes no prose:
    its definitions are composed of telling words and products. `embedding` is told of the products' vectors,
    `progress` of the definitions. Raises NotFoundError without a trained expert or
    for an unknown category, ModelUnavailableError when the model does not answer; what was finished is kept.
    """
    from taxonaut.workspace.experts import Experts

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
    prepared = defining.prepared([label for label in chosen if label not in own], embedding)
    due = {key: one for key, one in prepared.items() if not defining.stands(one, key, standing)}
    taken = dict(list(due.items())[: limit or None])
    run = workspace.runs.open(KIND, defining.fingerprint, defining.settings)
    with workspace.runs.working(run):
        done = await defining.defined(run, taken, progress)
        written = defining.put(run, taken, done.words)
    return DefinitionReport(
        model=workspace.config.models.general_expert.model,
        composed=not defining.prose,
        written=written,
        unchanged=len(prepared) - len(due),
        own=len(own),
        left=len(due) - len(taken),
        failed=done.failed,
        decisions=tuple(done.decisions),
    )


def define(workspace: "Workspace", labels: Sequence[LabelId] | None = None, **how: Any) -> DefinitionReport:
    """Do what `adefine` does, from synchronous code."""
    from taxonaut.workspace.workspace import portal

    return portal().run(adefine(workspace, labels, **how))


def writes_prose(workspace: "Workspace") -> bool:
    """Whether the general expert's model can write a definition: an encoder or one that scores options cannot."""
    model = workspace.config.models.general_expert
    return model.provider != ENCODER and model.answer == "generated"


class Done:
    """What a run has come to: words by unit, failures by category, and its requests."""

    def __init__(self, words: dict[str, Words]) -> None:
        self.words = words
        self.failed: dict[LabelId, str] = {}
        self.decisions: list[Decision] = []


class Defining:
    """One way of writing definitions, known by its fingerprint: same model, template, task and settings."""

    def __init__(self, workspace: "Workspace", examples: "Mapping[LabelId, Sequence[Example]]") -> None:
        self.workspace = workspace
        self.examples = examples
        self.prose = writes_prose(workspace)
        config = workspace.config
        how = config.categorize
        self.settings: dict[str, Any] = {
            "model": identity(config.models.general_expert),
            "task": config.task.description,
            "template": workspace.prompts.hash(TEMPLATE) if self.prose else COMPOSED,
            "examples": how.examples,
            "characters": how.characters,
            "seed": how.seed,
        }

    @property
    def fingerprint(self) -> str:
        """What makes two ways of writing the same."""
        text = json.dumps(self.settings, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def prepared(
        self, labels: Sequence[LabelId], embedding: Progress = silent
    ) -> dict[str, tuple[Subject, Words | None]]:
        """Return categories by what they are written from; with their words where those are composed."""
        found = subjects(self.workspace, labels, self.examples, siblings=self.prose, embedding=embedding)
        if self.prose:
            return {subject_key(subject): (subject, None) for subject in found}
        composed = self.composed(found)
        return {
            subject_key(subject, *words): (subject, words)
            for subject, words in zip(found, composed, strict=True)
        }

    def composed(self, found: Sequence[Subject]) -> list[Words]:
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
        from taxonaut.tools.descriptive_names import short_ends

        paths = category_paths(self.workspace, self.workspace.index.label_ids())
        ends = dict(zip(paths, short_ends(list(paths.values())), strict=True))
        return {label: ends[label] for label in labels}

    def stands(
        self, one: tuple[Subject, Words | None], key: str, standing: Mapping[LabelId, Definition]
    ) -> bool:
        """Whether the index has what would be written."""
        known = standing.get(one[0].label)
        return known is not None and known.fingerprint == self.definition_key(key)

    def definition_key(self, key: str) -> str:
        """A definition's fingerprint: what it is written from, and how."""
        return hashlib.sha256(f"{self.fingerprint} {key}".encode()).hexdigest()[:32]

    async def defined(
        self, run: RunId, taken: Mapping[str, tuple[Subject, Words | None]], progress: Progress
    ) -> Done:
        """Write what is not written yet, batch by batch."""
        kept = self.workspace.runs.finished(run, list(taken))
        done = Done({key: Words(row["title"], row["definition"]) for key, row in kept.items()})
        fresh = {key: one for key, one in taken.items() if key not in kept}
        if not self.prose:
            done.words |= {key: words for key, (_, words) in fresh.items() if words is not None}
            return done
        writer = self.writer() if fresh else None
        for batch in self.batches(list(fresh)):
            assert writer is not None
            progress(len(done.words) + len(done.failed), len(taken))
            written = await writer.write(run, [fresh[key][0] for key in batch])
            good = {key: one.words for key, one in zip(batch, written, strict=True) if one.words is not None}
            rows = {
                key: {"label": fresh[key][0].label, "title": words.title, "definition": words.definition}
                for key, words in good.items()
            }
            decisions = [one.decision for one in written]
            self.workspace.runs.finish(run, rows, decisions)
            done.words |= good
            done.decisions += decisions
            done.failed |= {one.subject.label: str(one.error) for one in written if one.error is not None}
            if all(isinstance(one.error, ModelUnavailableError) for one in written):
                raise ModelUnavailableError(
                    f"no definition of {len(written)} was written: {written[0].error} — what was finished before is "
                    "kept; run the same command again to continue"
                )
        progress(len(done.words) + len(done.failed), len(taken))
        return done

    def batches(self, keys: Sequence[str]) -> Iterator[Sequence[str]]:
        """Cut the work into what is kept together."""
        model = self.workspace.config.models.general_expert
        size = 2 if model.in_process else 2 * model.concurrency
        return (keys[start : start + size] for start in range(0, len(keys), size))

    def writer(self) -> DefinitionWriter:
        """Return the writer on the general expert's model."""
        workspace = self.workspace
        keep_templates(workspace, [TEMPLATE])
        model = workspace.wiring.answers(workspace.config.models.general_expert)
        return DefinitionWriter(model, workspace.prompts, workspace.config.task.description)

    def put(
        self, run: RunId, taken: Mapping[str, tuple[Subject, Words | None]], words: Mapping[str, Words]
    ) -> tuple[Definition, ...]:
        """Make the definitions the descriptions of their labels, as one change."""
        found = tuple(
            Definition(
                label=subject.label,
                title=words[key].title,
                definition=words[key].definition,
                fingerprint=self.definition_key(key),
                items=tuple(example.id for example in subject.examples),
                template=TEMPLATE if self.prose else COMPOSED,
                template_hash=self.workspace.prompts.hash(TEMPLATE) if self.prose else "",
                model=self.workspace.config.models.general_expert.model,
                run=run,
            )
            for key, (subject, _) in taken.items()
            if key in words
        )
        with self.workspace.database.write(), self.workspace.index.change(NOTE):
            self.workspace.index.describe_labels({one.label: one.definition for one in found})
            Definitions(self.workspace.database).put(found)
        forget_texts(self.workspace)
        return found
