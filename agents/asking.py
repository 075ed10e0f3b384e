"""Ask an agent's model about items at nodes, and build the decision row of each answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, Generic, TypeVar

from taxonaut.agents.support.demonstrations import Demonstration, Demonstrations
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import Prompt
from taxonaut.state.errors import ModelError, ModelNotFoundError
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Decision, Item, Place, ToolSpec, Usage
from taxonaut.tools.support.offers import Offer

T = TypeVar("T", bound=int | str)

MOST_CHARACTERS = 20_000
"""Maximum characters of an item's text in a prompt; longer texts are cut and end in […]."""

ITEMS_OF_A_QUESTION = 2
"""Items per question whose template variables are kept as samples."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """The part of a request that all items at a node share: rendered blocks, tool and options.

    `sample`: the template variables, if they are to be kept (`Asker.sample`).
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
    """The options one decision chose, best first, each with its score and evidence.

    `places` says where the evidence stands in a text of several passages; it is empty if the model does not say.
    `undecided`: the text says too little to choose.
    """

    item: Item
    question: Question[T]
    chosen: tuple[T, ...]
    scores: tuple[float, ...]
    evidence: tuple[str, ...]
    reason: str
    decision: Decision
    undecided: bool = False
    places: tuple[Place | None, ...] = ()


class Asker:
    """Send an agent's requests: render its template, call its model, build its decision rows."""

    def __init__(
        self,
        agent: str,
        model: Answers,
        prompt: Prompt,
        task: str,
        demonstrations: Demonstrations | None = None,
    ) -> None:
        self.agent = agent
        self.model = model
        self.prompt = prompt
        self.task = task
        self.demonstrations = demonstrations
        """Labelled texts that are shown with an item; the template must be one that shows them."""
        self.blank = self.render_block("")
        self.sample: Mapping[str, Any] | None = None
        """Variables of the last `render_shared`, if a sample is wanted; passed on in `Question`."""

    def render_item(self, text: str) -> str:
        """Render the item block after `render_shared`; empty if the model reads no prompts."""
        self.record_sample(self.sample, text)
        self.sample = None
        return self.render_block(text)

    def render_block(self, text: str, demonstrations: Sequence[Demonstration] = ()) -> str:
        """Render the item block, the only one with the item's text; empty if the model reads no prompts."""
        given: dict[str, Any] = {"text": clip_text(text)}
        if self.demonstrations is not None:
            given["demonstrations"] = demonstrations
        return self.prompt.render("item", given) if self.model.reads_prompts else ""

    def render_shared(self, variables: Callable[[], Mapping[str, Any]]) -> tuple[str, str]:
        """Render the blocks `system` and `context`; empty if the model reads no prompts."""
        recorder = self.prompt.recorder
        wanted = recorder is not None and recorder.wants(self.prompt.name)
        reads = self.model.reads_prompts
        full = {"task": self.task, **variables()} if wanted or reads else {}
        self.sample = full if wanted else None
        return (
            (self.prompt.render("system", full), self.prompt.render("context", full)) if reads else ("", "")
        )

    def record_sample(self, sample: Mapping[str, Any] | None, text: str) -> None:
        """Pass the variables of a decision to the recorder, for `prompts check`."""
        if sample is not None and text and self.prompt.recorder is not None:
            more: dict[str, Any] = {} if self.demonstrations is None else {"demonstrations": []}
            self.prompt.recorder.note(self.prompt.name, {**sample, "text": clip_text(text), **more})

    async def ask(self, pairs: Sequence[tuple[Item, Question[T]]]) -> list[Answer[T]]:
        """Ask all pairs concurrently; return answers in order.

        A failed request is an abstention whose decision has the error. Raises ModelNotFoundError if the model does
        not exist.
        """
        requests = self.build_requests(pairs)
        replies = self.check_available(await self.model.answer(requests))
        return [
            self.build_answer(item, question, reply, request.hash)
            for (item, question), request, reply in zip(pairs, requests, replies, strict=True)
        ]

    def build_requests(self, pairs: Sequence[tuple[Item, Question[T]]]) -> list[ModelRequest]:
        """Build the requests of pairs of an item and a question, with demonstrations if there are any."""
        self.record_samples(pairs)
        if self.demonstrations is None or not self.model.reads_prompts:
            blocks = {
                text: self.render_block(text) for text in dict.fromkeys(item.named_text for item, _ in pairs)
            }
            return [self.build_request(item, question, blocks[item.named_text]) for item, question in pairs]
        order = self.demonstrations.order(list({item.id: item for item, _ in pairs}.values()))
        found = []
        for item, question in pairs:
            on_offer: list[int | str] = list(question.offer.options)
            options = dict(zip(on_offer, question.choices, strict=True))
            at_node = question.node is not None
            chosen = self.demonstrations.choose(item, order[item.id], options, at_node=at_node)
            request = self.build_request(item, question, self.render_block(item.named_text, chosen))
            found.append(replace(request, blank_item=self.render_block("", chosen)))
        return found

    async def ask_open(
        self, items: Sequence[Item], tool: ToolSpec, most: int, variables: Callable[[], Mapping[str, Any]]
    ) -> list[ModelReply | ModelError]:
        """Ask for a tool call without options about each item; return replies in order.

        `variables` are those of the shared blocks. Raises ModelNotFoundError if the model does not exist.
        """
        system, context = self.render_shared(variables)
        requests = [
            ModelRequest(
                system=system,
                context=context,
                item=self.render_item(item.named_text),
                blank_item=self.blank,
                text=item.text,
                tool=tool,
                field="",
                choices=(),
                most=most,
                about=item.id,
            )
            for item in items
        ]
        return self.check_available(await self.model.answer(requests))

    def build_open_decision(
        self, item: Item, tool: str, choice: tuple[str, ...], reply: ModelReply | ModelError, error: str
    ) -> Decision:
        """Build the decision row of a call without options; `choice` is what it wrote."""
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
            transcript=reply.transcript,
        )

    def check_available(self, replies: list[ModelReply | ModelError]) -> list[ModelReply | ModelError]:
        """Return the replies. Raises ModelNotFoundError if the model does not exist."""
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return replies

    def record_samples(self, pairs: Sequence[tuple[Item, Question[T]]]) -> None:
        """Record the variables of a few pairs: two items of each question."""
        taken: dict[int, int] = {}
        for item, question in pairs:
            if question.sample is not None and taken.get(id(question), 0) < ITEMS_OF_A_QUESTION:
                taken[id(question)] = taken.get(id(question), 0) + 1
                self.record_sample(question.sample, item.named_text)

    def build_request(self, item: Item, question: Question[T], block: str) -> ModelRequest:
        """Build the request of an item and a question."""
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
            about=item.id,
        )

    def build_answer(
        self,
        item: Item,
        question: Question[T],
        reply: ModelReply | ModelError,
        rendered: str,
    ) -> Answer[T]:
        """Build the answer of a reply, with its decision row."""
        failed = isinstance(reply, ModelError)
        numbers = () if isinstance(reply, ModelError) else reply.chosen
        known = {} if isinstance(reply, ModelError) or reply.scores is None else reply.scores
        phrases = {} if isinstance(reply, ModelError) or reply.evidence is None else reply.evidence
        chosen = tuple(question.offer.pick(numbers))
        places = {} if isinstance(reply, ModelError) or reply.places is None else reply.places
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
            transcript=reply.transcript,
        )
        reason = "" if isinstance(reply, ModelError) else reply.reason
        undecided = not isinstance(reply, ModelError) and reply.undecided
        found = tuple(places.get(number) for number in numbers) if places else ()
        return Answer(item, question, chosen, scores, evidence, reason, decision, undecided, found)


def clip_text(text: str) -> str:
    """Cut a text to `MOST_CHARACTERS`."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " […]"


def rank_score(position: int) -> float:
    """Score a choice by its rank, for models that give no scores: 1, 1/2, 1/3, …"""
    return 1.0 / (position + 1)


def custom_answer(
    agent: str,
    item: Item,
    options: Sequence[T],
    scores: Mapping[T, float],
    node: NodeId | None = None,
    reason: str = "",
) -> Answer[T]:
    """Build the answer of a custom agent from the scores of the options it chose; no scores is an abstention.

    `agent` is its name in decision rows, `node` the node whose branches are the options. Scores of other options
    are ignored.
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
