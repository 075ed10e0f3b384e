"""The annotator: assign labels to all centres that fit (AssignCenter of XMC-Agent, algorithms 1 and 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from taxonaut.agents.architect import LONGEST_LABEL, shown
from taxonaut.agents.asking import Asker
from taxonaut.agents.support.texts import path_text
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, ToolSpec, Usage
from taxonaut.tools.assign_label import (
    FIELD,
    LONGEST_REPORT,
    WHY,
    assign_items_spec,
    assign_label_spec,
    assign_labels_spec,
)
from taxonaut.tools.support.offers import shuffle_options
from taxonaut.tools.write.propose_change import single_line

SCORED_TEMPLATE = "annotator/assign_label_scored"
"""For models that answer by the likelihood of the options' own texts."""

MOST_CHARACTERS = 8_000
"""Characters of labels in one request."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What an annotator is to assign: the template that says so, and the tool for so many texts and centres."""

    template: str
    spec: Callable[[int, int, int], ToolSpec]


LABELS = Duty("annotator/assign_labels", assign_labels_spec)
"""Labels to centres (XMC-Agent)."""

ITEMS = Duty("annotator/assign_items", assign_items_spec)
"""Items to descriptors, with a word on why nothing fits (AgenticTagger)."""


@dataclass(frozen=True, slots=True)
class CentreText:
    """A centre as the annotator sees it: its texts, and labels that stand for it."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Labels by their texts, and the centres they may belong to.

    `key` names the job in decision rows, `node` is set where the centres are children of a node of the index.
    `path` are the names from the top down to what the centres part.
    """

    key: str
    labels: tuple[str, ...]
    centres: tuple[CentreText, ...]
    path: tuple[str, ...] = ()
    node: NodeId | None = None


@dataclass(frozen=True, slots=True)
class AnnotatorSettings:
    """How an annotator works: `batch` labels in one request, each to at most `most` centres.

    Of a label's text a prompt shows `characters`.
    """

    task: str = ""
    batch: int = 20
    most: int = 3
    examples: int = 4
    seed: int = 0
    characters: int = LONGEST_LABEL


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of a job: for each label the numbers of its centres from 0 on, best first; () fits none.

    `why` aligns with the labels: what was said about why nothing fits those of its request, if anything.
    `error` is set where a request failed; its labels, whose places are in `failed`, then have no centres. A server
    that is gone counts before a reply that was no valid call.
    """

    each: tuple[tuple[int, ...], ...]
    decisions: tuple[Decision, ...]
    error: ModelError | None = None
    why: tuple[str, ...] = ()
    failed: frozenset[int] = frozenset()


Asked = tuple[int, int, ModelRequest]
"""A request, with its job's place among the jobs and its first label's place in the job."""


class Annotator:
    """Say where labels belong, many in one request.

    `scored`: its model takes one label at a time, and each to one centre only, as likelihoods have no bound below
    which a centre does not fit.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: AnnotatorSettings | None = None,
        *,
        scored: bool = False,
        duty: Duty = LABELS,
    ) -> None:
        settings = settings or AnnotatorSettings()
        self.settings = replace(settings, batch=1, most=1) if scored else settings
        self.scored = scored
        self.duty = duty
        template = SCORED_TEMPLATE if scored else duty.template
        self.asker = Asker("annotator", model, prompts.get(template), settings.task)

    @property
    def most(self) -> int:
        """To how many centres a label may belong."""
        return self.settings.most

    @property
    def reads_prompts(self) -> bool:
        """Whether its model reads prompts."""
        return self.asker.model.reads_prompts

    async def assign(self, jobs: Sequence[Job]) -> list[Assigned]:
        """Do all jobs, their requests in flight together; the answers come in the jobs' order.

        Labels of a reply that was no valid call are asked about again in halves, down to a single one.
        """
        each: list[list[tuple[int, ...]]] = [[()] * len(job.labels) for job in jobs]
        why = [[""] * len(job.labels) for job in jobs]
        decisions: list[list[Decision]] = [[] for _ in jobs]
        errors: list[ModelError | None] = [None] * len(jobs)
        failed: list[set[int]] = [set() for _ in jobs]
        asked = [request for place, job in enumerate(jobs) for request in self.requests(job, place)]
        orders = [self.order(job) for job in jobs]
        while asked:
            replies = await self.asker.model.answer([request for _, _, request in asked])
            again: list[Asked] = []
            for (place, first, request), reply in zip(asked, replies, strict=True):
                job, order = jobs[place], orders[place]
                chosen: list[tuple[int, ...]] = []
                if isinstance(reply, ModelReply):
                    answers = reply.each if request.texts else (reply.chosen,)
                    chosen = [tuple(order[number - 1] for number in numbers) for numbers in answers]
                    each[place][first : first + len(chosen)] = chosen
                    said = single_line(reply.arguments.get(WHY) or "", LONGEST_REPORT)
                    why[place][first : first + len(chosen)] = ["" if taken else said for taken in chosen]
                elif isinstance(reply, ModelReplyError) and len(request.texts) > 1:
                    again += self.halves(place, first, request)
                else:
                    errors[place] = graver(errors[place], reply)
                    failed[place].update(range(first, first + max(1, len(request.texts))))
                decisions[place].append(self.decision(job, order, first, request, reply, chosen))
            asked = again
        return [
            Assigned(tuple(chosen), tuple(rows), error, tuple(words), frozenset(places))
            for chosen, rows, error, words, places in zip(each, decisions, errors, why, failed, strict=True)
        ]

    def halves(self, place: int, first: int, request: ModelRequest) -> list[Asked]:
        """Write the two requests that a request with several labels becomes."""
        middle = len(request.texts) // 2
        parts = ((first, request.texts[:middle]), (first + middle, request.texts[middle:]))
        return [
            (
                place,
                start,
                self.request(request.system, request.context, request.choices, request.most, labels),
            )
            for start, labels in parts
        ]

    def order(self, job: Job) -> tuple[int, ...]:
        """The order in which a job's centres are shown."""
        return shuffle_options(range(len(job.centres)), self.settings.seed).options

    def requests(self, job: Job, place: int) -> list[Asked]:
        """Write a job's requests; all share what goes before the labels."""
        if not job.centres:
            return []
        order = self.order(job)
        most = min(self.settings.most, len(order))

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": job.centres[at].name,
                    "description": job.centres[at].description,
                    "path": "",
                    "examples": [shown(text) for text in job.centres[at].examples[: self.settings.examples]],
                    "includes": list(job.centres[at].includes),
                    "excludes": list(job.centres[at].excludes),
                }
                for number, at in enumerate(order, start=1)
            ]
            return {"path": path_text(job.path), "options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice(number, (job.centres[at].name, *job.centres[at].examples, *job.centres[at].includes))
            for number, at in enumerate(order, start=1)
        )
        parts = batches(job.labels, self.settings.batch)
        firsts = accumulate(map(len, parts), initial=0)
        return [
            (place, first, self.request(system, context, choices, most, labels))
            for first, labels in zip(firsts, parts, strict=False)
        ]

    def request(
        self, system: str, context: str, choices: tuple[Choice, ...], most: int, labels: Sequence[str]
    ) -> ModelRequest:
        """Put some labels behind what all requests of a job share."""
        text = labels[0] if self.scored else numbered(labels, self.settings.characters)
        tool = (
            assign_label_spec(len(choices), most)
            if self.scored
            else self.duty.spec(len(labels), len(choices), most)
        )
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(text),
            blank_item=self.asker.blank,
            text=text,
            tool=tool,
            field=FIELD if self.scored else "",
            choices=choices,
            most=most,
            texts=() if self.scored else tuple(labels),
        )

    def decision(
        self,
        job: Job,
        order: Sequence[int],
        first: int,
        request: ModelRequest,
        reply: ModelReply | ModelError,
        chosen: Sequence[Sequence[int]],
    ) -> Decision:
        """Return the row of one request; a choice is written `label:centre`, both by number in their job."""
        pairs = [f"{first + place}:{number}" for place, numbers in enumerate(chosen) for number in numbers]
        return Decision(
            item_id=ItemId(f"{job.key} from {first}"),
            node_id=job.node,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=request.tool.name,
            options=tuple(map(str, order)),
            choice=tuple(pairs),
            seed=self.settings.seed,
            usage=reply.usage if isinstance(reply, ModelReply) else Usage(),
            error=str(reply) if isinstance(reply, ModelError) else "",
        )


def graver(known: ModelError | None, new: ModelError) -> ModelError:
    """Return that of two errors which says more about what will come: not a single bad reply."""
    return new if known is None or isinstance(known, ModelReplyError) else known


def batches(labels: Sequence[str], most: int) -> list[list[str]]:
    """Cut labels into requests: at most so many in one, and not more characters than a prompt should have."""
    found: list[list[str]] = []
    room = 0
    for label in labels:
        size = min(len(label), MOST_CHARACTERS)
        if not found or len(found[-1]) >= most or size > room:
            found.append([])
            room = MOST_CHARACTERS
        found[-1].append(label)
        room -= size
    return found


def numbered(labels: Sequence[str], characters: int = LONGEST_LABEL) -> str:
    """Labels as a prompt lists them."""
    return "\n".join(f"{number}. {shown(label, characters)}" for number, label in enumerate(labels, start=1))
