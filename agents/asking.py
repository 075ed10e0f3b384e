"""Ask one agent's model about many items at many nodes, and make a decision row of each answer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Generic, TypeVar

from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import Prompt
from taxonaut.state.errors import ModelError, ModelNotFoundError
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Decision, Item, ToolSpec, Usage
from taxonaut.tools.support.offers import Offer

T = TypeVar("T", bound=int | str)

MOST_CHARACTERS = 20_000
"""Characters of an item's text that get into a prompt; a longer text loses its end, and the prompt says so."""

ITEMS_OF_A_QUESTION = 2
"""Items of one question whose variables are kept as samples."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is the same for every item at one node: the rendered blocks, the tool, the options.

    `sample`: what the blocks were rendered with, where that is to be kept (`Asker.sample`).
    """

    node: NodeId | None
    offer: Offer[T]
    choices: tuple[Choice, ...]
    tool: ToolSpec
    field: str
    most: int
    system: str
    context: str
    may_be_undecided: bool = False
    sample: Mapping[str, Any] | None = dataclass_field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one decision chose, best first, each with its score and the phrase that earned it.

    `undecided`: nothing was chosen because the text says too little.
    """

    item: Item
    question: Question[T]
    chosen: tuple[T, ...]
    scores: tuple[float, ...]
    evidence: tuple[str, ...]
    reason: str
    decision: Decision
    undecided: bool = False


class Asker:
    """One agent's way to its model: template, model, and the rows it leaves behind."""

    def __init__(self, agent: str, model: Answers, prompt: Prompt, task: str) -> None:
        self.agent = agent
        self.model = model
        self.prompt = prompt
        self.task = task
        self.blank = self.item_block("")
        self.sample: Mapping[str, Any] | None = None
        """What `render_shared` was last called with, where a sample of it is wanted; `Question` takes it along."""

    def render_item(self, text: str) -> str:
        """Render the item block behind what `render_shared` rendered last; nothing if the model reads none."""
        self.note(self.sample, text)
        self.sample = None
        return self.item_block(text)

    def item_block(self, text: str) -> str:
        """Render the item block, the only one an item's text gets into; nothing if the model reads none."""
        return self.prompt.render("item", {"text": clipped(text)}) if self.model.reads_prompts else ""

    def render_shared(self, variables: Callable[[], Mapping[str, Any]]) -> tuple[str, str]:
        """Render the two blocks that items at a node share; nothing if the model reads none."""
        recorder = self.prompt.recorder
        wanted = recorder is not None and recorder.wants(self.prompt.name)
        reads = self.model.reads_prompts
        full = {"task": self.task, **variables()} if wanted or reads else {}
        self.sample = full if wanted else None
        return (
            (self.prompt.render("system", full), self.prompt.render("context", full)) if reads else ("", "")
        )

    def note(self, sample: Mapping[str, Any] | None, text: str) -> None:
        """Hand on what a decision is made from, for `prompts check`."""
        if sample is not None and text and self.prompt.recorder is not None:
            self.prompt.recorder.note(self.prompt.name, {**sample, "text": clipped(text)})

    async def ask(self, pairs: Sequence[tuple[Item, Question[T]]]) -> list[Answer[T]]:
        """Ask all pairs together; the answers come in the same order.

        A failed request is an abstention whose decision carries the error. A model that is not there
        stops everything: ModelNotFoundError.
        """
        blocks: dict[str, str] = {}
        for item, _ in pairs:
            if item.text not in blocks:
                blocks[item.text] = self.item_block(item.text)
        self.sample_pairs(pairs)
        requests = [self.request(item, question, blocks[item.text]) for item, question in pairs]
        replies = self.available(await self.model.answer(requests))
        return [
            self.answered(item, question, reply, shown(request))
            for (item, question), request, reply in zip(pairs, requests, replies, strict=True)
        ]

    async def ask_open(
        self, items: Sequence[Item], tool: ToolSpec, most: int, variables: Callable[[], Mapping[str, Any]]
    ) -> list[ModelReply | ModelError]:
        """Ask for an open call about each item, in order: whatever the tool's schema allows, no options.

        `variables` are those of the shared blocks. A model that is not there stops everything: ModelNotFoundError.
        """
        system, context = self.render_shared(variables)
        requests = [
            ModelRequest(
                system=system,
                context=context,
                item=self.render_item(item.text),
                blank_item=self.blank,
                text=item.text,
                tool=tool,
                field="",
                choices=(),
                most=most,
            )
            for item in items
        ]
        return self.available(await self.model.answer(requests))

    def open_decision(
        self, item: Item, tool: str, choice: tuple[str, ...], reply: ModelReply | ModelError, error: str
    ) -> Decision:
        """Return the decision row of an open call; `choice` is what it wrote."""
        return Decision(
            item_id=item.id,
            node_id=None,
            agent=self.agent,
            template=self.prompt.name,
            template_hash=self.prompt.hash,
            model=self.model.name,
            tool=tool,
            options=(),
            choice=choice,
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            error=error,
        )

    def available(self, replies: list[ModelReply | ModelError]) -> list[ModelReply | ModelError]:
        """Return the replies; raises ModelNotFoundError if the model is not there."""
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return replies

    def sample_pairs(self, pairs: Sequence[tuple[Item, Question[T]]]) -> None:
        """Note a few of the pairs: two items of a question show what they share."""
        taken: dict[int, int] = {}
        for item, question in pairs:
            if question.sample is not None and taken.get(id(question), 0) < ITEMS_OF_A_QUESTION:
                taken[id(question)] = taken.get(id(question), 0) + 1
                self.note(question.sample, item.text)

    def request(self, item: Item, question: Question[T], block: str) -> ModelRequest:
        """Put one item before one question."""
        return ModelRequest(
            system=question.system,
            context=question.context,
            item=block,
            blank_item=self.blank,
            text=item.text,
            tool=question.tool,
            field=question.field,
            choices=question.choices,
            most=question.most,
            may_be_undecided=question.may_be_undecided,
        )

    def answered(
        self,
        item: Item,
        question: Question[T],
        reply: ModelReply | ModelError,
        rendered: str,
    ) -> Answer[T]:
        """Turn a reply into what was chosen and its decision row."""
        failed = isinstance(reply, ModelError)
        numbers = () if isinstance(reply, ModelError) else reply.chosen
        known = {} if isinstance(reply, ModelError) or reply.scores is None else reply.scores
        phrases = {} if isinstance(reply, ModelError) or reply.evidence is None else reply.evidence
        chosen = tuple(question.offer.pick(numbers))
        evidence = tuple(phrases.get(number, "") for number in numbers)
        scores = (
            tuple(float(known[number]) for number in numbers)
            if known
            else tuple(rank_score(position) for position in range(len(numbers)))
        )
        decision = Decision(
            item_id=item.id,
            node_id=question.node,
            agent=self.agent,
            template=self.prompt.name,
            template_hash=self.prompt.hash,
            model=self.model.name,
            tool=question.tool.name,
            options=tuple(map(str, question.offer.options)),
            choice=tuple(map(str, chosen)),
            scores=tuple(round(float(known[c.id]), 4) for c in question.choices) if known else (),
            evidence=evidence,
            seed=question.offer.seed,
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            error=str(reply) if failed else "",
            rendered=rendered,
        )
        reason = "" if isinstance(reply, ModelError) else reply.reason
        undecided = not isinstance(reply, ModelError) and reply.undecided
        return Answer(item, question, chosen, scores, evidence, reason, decision, undecided)


def shown(request: ModelRequest) -> str:
    """A short hash of a request's blocks, the same where a model is shown the same; empty where it reads none."""
    blocks = (request.system, request.context, request.item, request.blank_item)
    if not any(blocks):
        return ""
    return hashlib.sha256("\0".join(blocks).encode(errors="replace")).hexdigest()[:16]


def clipped(text: str) -> str:
    """Return a text as a prompt shows it."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " […]"


def rank_score(position: int) -> float:
    """The score of a choice from a model that gives none: 1, 1/2, 1/3, … by its place in the answer."""
    return 1.0 / (position + 1)


def custom_answer(
    agent: str,
    item: Item,
    options: Sequence[T],
    scores: Mapping[T, float],
    node: NodeId | None = None,
    reason: str = "",
) -> Answer[T]:
    """Return the answer of an agent that chose `scores` among `options`, best first; none of them is an abstention.

    `agent` is its name in the decision rows. `node` is the node whose branches were on offer. What is not among the
    options is left out.
    """
    chosen = tuple(sorted((each for each in options if each in scores), key=lambda each: -scores[each]))
    found = tuple(float(scores[each]) for each in chosen)
    offer = Offer(tuple(options), 0)
    tool = ToolSpec(agent, "", {})
    question = Question(node, offer, (), tool, "", len(offer.options), "", "")
    decision = Decision(
        item_id=item.id,
        node_id=node,
        agent=agent,
        template="",
        template_hash="",
        model=agent,
        tool=agent,
        options=tuple(map(str, offer.options)),
        choice=tuple(map(str, chosen)),
        scores=tuple(round(float(scores.get(each, 0.0)), 4) for each in offer.options),
        usage=Usage(),
    )
    return Answer(item, question, chosen, found, ("",) * len(chosen), reason, decision)
