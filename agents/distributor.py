"""Distributor: how likely annotators are to give each label (LLMs do multi-label classification differently).

A method asks a model for log-probabilities of whole label strings and reads a probability for each label from them
(`models.distributions.label_probabilities`). Where a model answers with letters (servers give log-probabilities of
single tokens only), each label has one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from taxonaut.agents.asking import clip_text
from taxonaut.models.distributions.bradley_terry import PENALTY, binary_breakdown
from taxonaut.models.distributions.label_probabilities import (
    EPSILON,
    Numbers,
    compare_to_none,
    hard,
    max_over_generations,
    unary,
)
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError, ModelError, ModelNotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision, Item, ToolSpec, Usage
from taxonaut.tools.judge_label import FIELD, judge_label_spec

Method = Literal["compare-to-none", "hard", "unary", "binary", "max"]
"""The zero-shot methods, by the paper's names."""

METHODS: tuple[Method, ...] = ("compare-to-none", "hard", "unary", "binary", "max")
LISTING: frozenset[str] = frozenset({"compare-to-none", "hard", "max"})
"""Methods under whose prompt a model lists labels."""

YES, NO = "reasonable", "unreasonable"
NONE_NAMES = ("none", "no label", "none of these")
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NONE_CODE = "0"
LEAD = "Labels:"
"""The start of the answer that lists labels."""

LONGEST_NAME = 100
LONGEST_EXAMPLE = 400


@dataclass(frozen=True, slots=True)
class OfferedLabel:
    """A label as a prompt shows it. Names differ: equal ones are told apart by the caller."""

    id: LabelId
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Shot:
    """A labelled text that prompts show as an example; no labels means that none fits."""

    text: str
    labels: tuple[LabelId, ...]


@dataclass(frozen=True, slots=True)
class DistributorSettings:
    """How labels are asked about.

    `seed` shuffles the labels of a prompt, and which of a pair comes first; None keeps their order. `most`: labels
    that a list has at most. `codes`: the model answers with letters. `samples`: answers that *unary* counts where
    a model gives no log-probabilities; 0: it gives them.
    """

    method: Method
    task: str = ""
    seed: int | None = 0
    most: int = 5
    epsilon: float = EPSILON
    penalty: float = PENALTY
    codes: bool = False
    samples: int = 0


@dataclass(slots=True)
class Listing:
    """What is known of one item so far.

    `steps` are the log-probabilities of the labels, in their order, at each step that was asked; of the first step
    the last number is that of *none*. `written` are the positions of the labels listed, in order.
    """

    item: Item
    steps: list[Numbers] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    values: Numbers | None = None
    error: str = ""
    lost: int = 0
    """Labels whose log-probability a server did not give."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what its options stand for: positions of labels, `len(labels)` for *none* or the end."""

    request: ModelRequest
    options: tuple[int, ...]


class Distributor:
    """Ask a model about the labels of a set, by one method. `samplers` answer where answers are counted instead."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        labels: Sequence[OfferedLabel],
        settings: DistributorSettings,
        shots: Sequence[Shot] = (),
        samplers: Sequence[Answers] = (),
    ) -> None:
        self.model = model
        self.samplers = samplers
        self.settings = settings
        self.labels = tuple(labels)
        self.prompt = prompts.get(f"distribute/{settings.method.replace('-', '_')}")
        names = [one_line(label.name) for label in labels]
        taken = {name.casefold() for name in names}
        self.none = next((each for each in NONE_NAMES if each not in taken), "(none)")
        self.names = [*names, self.none]
        order = list(range(len(labels)))
        if settings.seed is not None:
            random.Random(settings.seed).shuffle(order)
        self.order = tuple(order)
        """The positions of the labels in the order a prompt shows them."""
        self.codes = codes_of(order) if settings.codes else [""] * (len(labels) + 1)
        self.examples = [
            {
                "text": clip_text(shot.text)[:LONGEST_EXAMPLE],
                "labels": ", ".join(self.answer(place) for place in self.positions(shot.labels)),
            }
            for shot in shots
        ]
        self.tool = judge_label_spec(len(labels) + 1)
        self.blocks = self.render_shared()

    def positions(self, labels: Sequence[LabelId]) -> list[int]:
        """Return the positions of some labels in the order shown; that of *none* where there are none."""
        wanted = set(labels)
        found = [place for place in self.order if self.labels[place].id in wanted]
        return found or [len(self.labels)]

    def answer(self, place: int) -> str:
        """Return what a model writes for a label, or for *none*."""
        return self.codes[place] or self.names[place]

    def option(self, place: int) -> dict[str, str]:
        """Return a label, or *none*, as a template shows it."""
        none = place == len(self.labels)
        said = "" if none else self.labels[place].description
        description = one_line(said) if said.strip() else ""
        return {"code": self.codes[place], "name": self.names[place], "description": description}

    def render_shared(self) -> tuple[str, str]:
        """Render the blocks that all requests share."""
        variables: dict[str, Any] = {
            "task": self.settings.task,
            "examples": self.examples,
            "no_label": self.none,
        }
        if self.settings.method in LISTING:
            variables["options"] = [self.option(place) for place in self.order]
            variables["none_code"] = self.codes[-1]
        elif self.settings.method == "unary":
            variables = {**variables, "yes": YES, "no": NO}
            del variables["no_label"]
        self.variables = variables
        return self.prompt.render("system", variables), self.prompt.render("context", variables)

    def requests_per_item(self) -> int:
        """Return how many requests an item takes at most: 1, `most` + 1, L or L (L + 1) / 2 (and times `samples`)."""
        return requests_per_item(self.settings, len(self.labels))

    def start(self, item: Item) -> Listing:
        """Begin with an item."""
        return Listing(item)

    def next_requests(self, listing: Listing) -> list[Asked]:
        """Return the next requests about an item; none when it is finished."""
        if listing.values is not None or listing.error:
            return []
        if self.settings.method == "unary":
            return [self.ask_unary(listing.item, place) for place in self.order]
        if self.settings.method == "binary":
            return [self.ask_pair(listing.item, *pair) for pair in self.pairs()]
        return [self.ask_next(listing)]

    def pairs(self) -> list[tuple[int, int]]:
        """Return all pairs of labels and *none*, in the order asked; which of two comes first is shuffled."""
        toss = random.Random(self.settings.seed)
        places = [*self.order, len(self.labels)]
        pairs = list(combinations(places, 2))
        if self.settings.seed is None:
            return pairs
        return [pair if toss.random() < 0.5 else (pair[1], pair[0]) for pair in pairs]

    def ask_next(self, listing: Listing) -> Asked:
        """Ask for the next label of a list, of all labels and *none*; after the first, of all labels and the end."""
        count, started = len(self.labels), bool(listing.written)
        options = (*self.order, count)
        written = ", ".join(self.answer(place) for place in listing.written)
        if self.settings.codes:
            texts = [self.answer(place) for place in options]
        elif started:
            texts = [*(f", {self.names[place]}" for place in self.order), ""]
        else:
            texts = [self.names[place] for place in options]
        lead = "" if self.settings.codes else f"{LEAD} {written}".strip()
        return Asked(
            self.request(listing.item, {"written": written if self.settings.codes else ""}, texts, lead),
            options,
        )

    def ask_unary(self, item: Item, place: int) -> Asked:
        """Ask whether one label is reasonable."""
        shown = self.option(place)
        variables = {"label": shown["name"], "description": shown["description"]}
        texts = (YES, NO)
        return Asked(self.request(item, variables, texts, ""), (place, place))

    def ask_pair(self, item: Item, first: int, second: int) -> Asked:
        """Ask which of two labels fits better."""
        shown = [self.option(place) for place in (first, second)]
        if self.settings.codes:
            shown = [{**each, "code": code} for each, code in zip(shown, "AB", strict=True)]
        texts = [each["code"] or each["name"] for each in shown]
        return Asked(self.request(item, {"pair": shown}, texts, ""), (first, second))

    def request(
        self, item: Item, variables: Mapping[str, Any], texts: Sequence[str], lead: str
    ) -> ModelRequest:
        """Build a request for the log-probabilities of some texts."""
        system, context = self.blocks
        own = {**variables, "text": clip_text(item.named_text)}
        if self.prompt.recorder is not None and self.prompt.recorder.wants(self.prompt.name):
            self.prompt.recorder.note(self.prompt.name, {**self.variables, **own})
        return ModelRequest(
            system=system,
            context=context,
            item=self.prompt.render("item", own),
            blank_item="",
            text=item.text,
            tool=self.tool if not self.settings.samples else sample_tool(texts),
            field=FIELD,
            choices=tuple(Choice(number, (text,)) for number, text in enumerate(texts, start=1)),
            most=1,
            likelihoods=not self.settings.samples,
            lead=lead,
        )

    async def ask(self, pending: Sequence[tuple[Listing, Asked]]) -> list[ModelReply | ModelError]:
        """Send requests, all in flight together. Raises ModelNotFoundError if the model does not exist.

        With `samples` each is sent once to each sampler, and the reply's scores are the logs of the answers' shares.
        """
        requests = [asked.request for _, asked in pending]
        if self.settings.samples:
            answers = [await sampler.answer(requests) for sampler in self.samplers]
            replies = [counted(each) for each in zip(*answers, strict=True)]
        else:
            replies = await self.model.answer(requests)
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return replies

    def read(
        self, listing: Listing, answers: Sequence[tuple[Asked, ModelReply | ModelError]]
    ) -> list[Decision]:
        """Take an item's replies, and finish it if nothing is left to ask; return the decision rows."""
        for _, reply in answers:
            if isinstance(reply, ModelError) and not listing.error:
                listing.error = str(reply)
            elif isinstance(reply, ModelReply):
                listing.lost = max(listing.lost, int(reply.arguments.get("lost", 0)))
        if not listing.error:
            logs = [self.log_probabilities(reply) for _, reply in answers]
            if self.settings.method == "unary":
                self.read_unary(listing, answers, logs)
            elif self.settings.method == "binary":
                self.read_pairs(listing, answers, logs)
            else:
                self.read_step(listing, answers[0][0], logs[0])
        return [self.decision(listing, asked, reply) for asked, reply in answers]

    @staticmethod
    def log_probabilities(reply: ModelReply | ModelError) -> Numbers:
        """Return a reply's log-probabilities in the order of the options. Raises InputError without any."""
        scores = None if isinstance(reply, ModelError) else reply.scores
        if not scores:
            raise InputError(
                "the model gives no log-probabilities; use gguf/… or a server that returns them, or the method hard, "
                "or unary by sampling (--samples N)"
            )
        return np.array([scores[number] for number in sorted(scores)], np.float64)

    def read_unary(
        self,
        listing: Listing,
        answers: Sequence[tuple[Asked, ModelReply | ModelError]],
        logs: Sequence[Numbers],
    ) -> None:
        """Read P(reasonable) of each label."""
        values = np.empty(len(self.labels))
        for (asked, _), pair in zip(answers, logs, strict=True):
            values[asked.options[0]] = unary(pair[:1], pair[1:])[0]
        listing.values = values

    def read_pairs(
        self,
        listing: Listing,
        answers: Sequence[tuple[Asked, ModelReply | ModelError]],
        logs: Sequence[Numbers],
    ) -> None:
        """Fit Bradley–Terry to the preferences of all pairs."""
        count = len(self.labels) + 1
        preferences = np.full((count, count), np.nan)
        for (asked, _), pair in zip(answers, logs, strict=True):
            first, second = asked.options
            preferences[first, second] = unary(pair[:1], pair[1:])[0]
            preferences[second, first] = 1.0 - preferences[first, second]
        listing.values = binary_breakdown(preferences, self.settings.penalty)

    def read_step(self, listing: Listing, asked: Asked, logs: Numbers) -> None:
        """Take one step of a list: its log-probabilities, and the label that is written next."""
        count = len(self.labels)
        step = np.empty(count + 1)
        step[list(asked.options)] = logs
        if self.settings.method == "compare-to-none":
            listing.steps.append(step)
            listing.values = compare_to_none(step[:count], step[count])
            return
        started = bool(listing.written)
        choosable = step.copy()
        choosable[listing.written] = -np.inf
        best = int(choosable[:count].argmax())
        # After the first label the list ends where the end is likelier than any further label.
        ends = np.logaddexp.reduce(choosable[:count]) <= step[count] if started else step[count] >= step[best]
        if not ends:
            listing.written.append(best)
        if not ends or not started:
            listing.steps.append(step[:count] if started else step)
        if ends or len(listing.written) == min(self.settings.most, count):
            listing.values = (
                hard(listing.written, count, self.settings.epsilon)
                if self.settings.method == "hard"
                else max_over_generations(listing.steps, count)
            )

    def decision(self, listing: Listing, asked: Asked, reply: ModelReply | ModelError) -> Decision:
        """Build the decision row of one request."""
        failed = isinstance(reply, ModelError)
        scores = {} if isinstance(reply, ModelError) or reply.scores is None else reply.scores
        ids = [str(self.labels[place].id) if place < len(self.labels) else "" for place in asked.options]
        best = max(scores, key=lambda number: scores[number], default=None)
        return Decision(
            item_id=listing.item.id,
            node_id=None,
            agent="distributor",
            template=self.prompt.name,
            template_hash=self.prompt.hash,
            model=self.model.name,
            tool=self.settings.method,
            options=tuple(ids),
            choice=() if best is None or not ids[best - 1] else (ids[best - 1],),
            scores=tuple(round(float(scores[number]), 4) for number in sorted(scores)),
            seed=self.settings.seed or 0,
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            error=str(reply) if failed else "",
            rendered=asked.request.hash,
        )


def requests_per_item(settings: DistributorSettings, labels: int) -> int:
    """Return how many requests an item takes at most."""
    times = max(settings.samples, 1)
    if settings.method == "unary":
        return labels * times
    if settings.method == "binary":
        return labels * (labels + 1) // 2 * times
    return 1 if settings.method == "compare-to-none" else min(settings.most, labels)


def sample_tool(texts: Sequence[str]) -> ToolSpec:
    """Return the tool of an answer that is counted: it takes the number of one of the texts."""
    spec = judge_label_spec(len(texts))
    said = "; ".join(f"{number}: {text}" for number, text in enumerate(texts, start=1))
    return replace(spec, description=f"Answer with the number of one: {said}.")


def counted(replies: Sequence[ModelReply | ModelError]) -> ModelReply | ModelError:
    """Return sampled answers as one reply, whose scores are the logs of how often each was given (Laplace)."""
    good = [reply for reply in replies if isinstance(reply, ModelReply)]
    if not good:
        return replies[0]
    total = {number: 1 + sum(reply.chosen[:1] == (number,) for reply in good) for number in (1, 2)}
    usage = Usage(
        prompt_tokens=sum(reply.usage.prompt_tokens for reply in good),
        completion_tokens=sum(reply.usage.completion_tokens for reply in good),
        reused_tokens=sum(reply.usage.reused_tokens for reply in good),
        latency_s=sum(reply.usage.latency_s for reply in good),
        attempts=sum(reply.usage.attempts for reply in good),
    )
    scores = {number: float(np.log(count)) for number, count in total.items()}
    return replace(good[0], scores=scores, usage=usage)


def codes_of(order: Sequence[int]) -> list[str]:
    """Return a single letter for each label, by the order shown, and `NONE_CODE` for *none* at the end.

    Raises InputError for more labels than there are letters.
    """
    if len(order) > len(CODES):
        raise InputError(
            f"{len(order):,} labels, and a server gives log-probabilities of single letters, of which there are "
            f"{len(CODES)}; use --method unary or binary, which ask about one or two labels at once, or gguf/…, or "
            "a part of the labels (--node)"
        )
    codes = [""] * len(order)
    for place, code in zip(order, CODES, strict=False):
        codes[place] = code
    return [*codes, NONE_CODE]


def one_line(text: str) -> str:
    """Return a label's text on one line without commas, which divide labels, cut to a length."""
    return " ".join(text.replace(",", " ").split())[:LONGEST_NAME] or "-"
