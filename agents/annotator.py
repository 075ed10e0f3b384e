"""Annotator: assign labels to every centre that fits (AssignCenter of XMC-Agent, algorithms 1 and 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from taxonaut.agents.architect import LONGEST_LABEL, clip_line
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
"""For models that score the options' texts by likelihood."""

MOST_CHARACTERS = 8_000
"""Maximum characters of labels in one request."""


@dataclass(frozen=True, slots=True)
class AnnotatorKind:
    """What an annotator assigns: its template, and its tool spec for (texts, centres, centres per text)."""

    template: str
    spec: Callable[[int, int, int], ToolSpec]


ASSIGN_LABELS = AnnotatorKind("annotator/assign_labels", assign_labels_spec)
"""Assign labels to centres (XMC-Agent)."""

ASSIGN_ITEMS = AnnotatorKind("annotator/assign_items", assign_items_spec)
"""Assign items to descriptors, and report why nothing fits (AgenticTagger)."""


@dataclass(frozen=True, slots=True)
class CentreText:
    """A centre as the annotator sees it: name, description and representative labels."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Texts of labels, and the centres they may belong to.

    `key` names the job in decision rows. `node` is set if the centres are children of an index node. `path` holds
    the names from the root to the partition that the centres divide.
    """

    key: str
    labels: tuple[str, ...]
    centres: tuple[CentreText, ...]
    path: tuple[str, ...] = ()
    node: NodeId | None = None


@dataclass(frozen=True, slots=True)
class AnnotatorSettings:
    """Annotator settings: `batch` labels per request, each assigned to at most `most` centres.

    A prompt shows the first `characters` of a label and `examples` of a centre.
    """

    task: str = ""
    batch: int = 20
    most: int = 3
    examples: int = 4
    seed: int = 0
    characters: int = LONGEST_LABEL


@dataclass(frozen=True, slots=True)
class AssignResult:
    """Result of a job: for each label the positions of its centres, best first; () if none fits.

    `why` aligns with the labels: the reported reason why no centre fits, or "". If a request failed, `error` is set
    and `failed` holds the positions of its labels, which have no centres. An unreachable server takes precedence
    over an invalid reply in `error`.
    """

    each: tuple[tuple[int, ...], ...]
    decisions: tuple[Decision, ...]
    error: ModelError | None = None
    why: tuple[str, ...] = ()
    failed: frozenset[int] = frozenset()


PendingRequest = tuple[int, int, ModelRequest]
"""(position of the job, position of the request's first label in the job, request)."""


class Annotator:
    """Assign labels to centres, many labels per request.

    With `scored`, a request holds one label and assigns it to one centre: likelihoods have no threshold below
    which a centre does not fit.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: AnnotatorSettings | None = None,
        *,
        scored: bool = False,
        kind: AnnotatorKind = ASSIGN_LABELS,
    ) -> None:
        settings = settings or AnnotatorSettings()
        self.settings = replace(settings, batch=1, most=1) if scored else settings
        self.scored = scored
        self.kind = kind
        template = SCORED_TEMPLATE if scored else kind.template
        self.asker = Asker("annotator", model, prompts.get(template), settings.task)

    @property
    def most(self) -> int:
        """Maximum number of centres for one label."""
        return self.settings.most

    @property
    def reads_prompts(self) -> bool:
        """Whether the model reads prompts."""
        return self.asker.model.reads_prompts

    async def assign(self, jobs: Sequence[Job]) -> list[AssignResult]:
        """Run all jobs concurrently; return results in the order of the jobs.

        A request whose reply is invalid is split in halves and repeated, down to single labels.
        """
        each: list[list[tuple[int, ...]]] = [[()] * len(job.labels) for job in jobs]
        why = [[""] * len(job.labels) for job in jobs]
        decisions: list[list[Decision]] = [[] for _ in jobs]
        errors: list[ModelError | None] = [None] * len(jobs)
        failed: list[set[int]] = [set() for _ in jobs]
        asked = [request for place, job in enumerate(jobs) for request in self.build_requests(job, place)]
        orders = [self.shuffle_centres(job) for job in jobs]
        while asked:
            replies = await self.asker.model.answer([request for _, _, request in asked])
            again: list[PendingRequest] = []
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
                    again += self.split_request(place, first, request)
                else:
                    errors[place] = worse_error(errors[place], reply)
                    failed[place].update(range(first, first + max(1, len(request.texts))))
                decisions[place].append(self.build_decision(job, order, first, request, reply, chosen))
            asked = again
        return [
            AssignResult(tuple(chosen), tuple(rows), error, tuple(words), frozenset(places))
            for chosen, rows, error, words, places in zip(each, decisions, errors, why, failed, strict=True)
        ]

    def split_request(self, place: int, first: int, request: ModelRequest) -> list[PendingRequest]:
        """Split a request with several labels into two."""
        middle = len(request.texts) // 2
        parts = ((first, request.texts[:middle]), (first + middle, request.texts[middle:]))
        return [
            (
                place,
                start,
                self.build_request(request.system, request.context, request.choices, request.most, labels),
            )
            for start, labels in parts
        ]

    def shuffle_centres(self, job: Job) -> tuple[int, ...]:
        """Shuffle a job's centres: their positions in the order shown."""
        return shuffle_options(range(len(job.centres)), self.settings.seed).options

    def build_requests(self, job: Job, place: int) -> list[PendingRequest]:
        """Build a job's requests, which share their prompt prefix."""
        if not job.centres:
            return []
        order = self.shuffle_centres(job)
        most = min(self.settings.most, len(order))

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": job.centres[at].name,
                    "description": job.centres[at].description,
                    "path": "",
                    "examples": [
                        clip_line(text) for text in job.centres[at].examples[: self.settings.examples]
                    ],
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
        parts = split_batches(job.labels, self.settings.batch)
        firsts = accumulate(map(len, parts), initial=0)
        return [
            (place, first, self.build_request(system, context, choices, most, labels))
            for first, labels in zip(firsts, parts, strict=False)
        ]

    def build_request(
        self, system: str, context: str, choices: tuple[Choice, ...], most: int, labels: Sequence[str]
    ) -> ModelRequest:
        """Build the request for some labels on the prefix of their job."""
        text = labels[0] if self.scored else number_lines(labels, self.settings.characters)
        tool = (
            assign_label_spec(len(choices), most)
            if self.scored
            else self.kind.spec(len(labels), len(choices), most)
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

    def build_decision(
        self,
        job: Job,
        order: Sequence[int],
        first: int,
        request: ModelRequest,
        reply: ModelReply | ModelError,
        chosen: Sequence[Sequence[int]],
    ) -> Decision:
        """Build the decision row of a request; choices are written `label:centre`, positions in the job."""
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
            transcript=reply.transcript,
        )


def worse_error(known: ModelError | None, new: ModelError) -> ModelError:
    """Return the more serious error: an unavailable model before an invalid reply."""
    return new if known is None or isinstance(known, ModelReplyError) else known


def split_batches(labels: Sequence[str], most: int) -> list[list[str]]:
    """Split labels into batches of at most `most` labels and `MOST_CHARACTERS` characters."""
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


def number_lines(labels: Sequence[str], characters: int = LONGEST_LABEL) -> str:
    """Number labels, one per line, for a prompt."""
    return "\n".join(
        f"{number}. {clip_line(label, characters)}" for number, label in enumerate(labels, start=1)
    )
