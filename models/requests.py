"""Requests to a model and its replies, the same for every model."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol

from taxonaut.state.errors import ModelError
from taxonaut.state.ids import Place as OptionKey
from taxonaut.state.records import Place, ToolSpec, Transcript, Usage


@dataclass(frozen=True, slots=True)
class OptionText:
    """A name or path that an option is compared by, with alternative names and the description of what it names."""

    text: str
    alternatives: tuple[str, ...] = ()
    description: str = ""


def as_option(text: str | OptionText) -> OptionText:
    """Return an option's text as what it is compared by."""
    return OptionText(text) if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a request, for models that compare texts and read no prompt.

    `id` is its short integer in the prompt and in the schema (1, 2, …; 0 is always
    *none of these*). `texts[0]` is its own text as the prompt shows it; more texts stand for what is below it.
    `options` are the texts with what else is known of each, if anything is. `key` is the label (a string) or node (an
    integer) that it stands for, None for neither.
    """

    id: int
    texts: tuple[str, ...]
    options: tuple[OptionText, ...] = ()
    key: OptionKey | None = None

    @classmethod
    def of(cls, id: int, options: Sequence[OptionText], key: OptionKey | None = None) -> "Choice":
        """Make a choice that is compared by some options."""
        more = any(option.alternatives or option.description for option in options)
        return cls(id, tuple(option.text for option in options), tuple(options) if more else (), key)

    @property
    def compared(self) -> tuple[str, ...] | tuple[OptionText, ...]:
        """What an item is compared with."""
        return self.options or self.texts


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request. The three blocks run from the most to the least shared (docs/architecture.md).

    `system` is the same for a whole template, `context` for a node, `item` for one item. `blank_item` is the
    item block rendered for an empty text: the calibration prompt of a scored answer. `text` is the item's own
    text, without what the template puts around it. The tool takes its choice as the array `field` of
    integers from `choices` (or `[0]`); up to `most` of them, best first.

    Two more kinds: with `texts`, the tool takes one such array for each of them, under the properties "1",
    "2", …, and `item` shows them all. Without `field` and `texts` the call is open: any call that its schema allows
    is valid, and `choices` are suggestions.

    With `may_be_undecided` the array may also be `[-1]`, *cannot decide*. `about`: the id of the one item that the
    request is about, for traces; empty if it is about several, or none. `span`: the span of its decision
    (`state.telemetry`), under which its calls are.

    With `likelihoods` no tool is called: the reply's `scores` are log P(text | prompt) of each choice's own text
    as the whole next part of the answer, whose start is `lead`. An empty text stands for the end of the answer.
    """

    system: str
    context: str
    item: str
    blank_item: str
    text: str
    tool: ToolSpec
    field: str
    choices: tuple[Choice, ...]
    most: int
    texts: tuple[str, ...] = ()
    may_be_undecided: bool = False
    about: str = dataclass_field(default="", compare=False)
    span: Any = dataclass_field(default=None, compare=False, repr=False)
    likelihoods: bool = False
    lead: str = ""

    @property
    def hash(self) -> str:
        """A short hash of the blocks, equal where a model is shown the same; empty if they are."""
        blocks = (self.system, self.context, self.item, self.blank_item, *([self.lead] if self.lead else []))
        if not any(blocks):
            return ""
        return hashlib.sha256("\0".join(blocks).encode(errors="replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A valid tool call.

    `chosen` holds choice ids, best first; empty is an abstention, because the item says too little if it is
    `undecided`. `scores` maps choice ids to the model's scores where it has any (higher is better), `evidence`
    to the phrase of the item that earned the score, and `places` to where that is in a text of several passages.
    `arguments` is the whole call; `reason` the model's own
    words if the schema asked for them. `each` answers a request with several texts: what was chosen for each
    of them. `turns` are the messages after the request as they came, in the OpenAI format: faulty replies, what was
    said about them, and the reply; empty if a model does not tell. `transcript` is what was sent, once
    `models.transcribed` has put it together.
    """

    chosen: tuple[int, ...]
    arguments: Mapping[str, Any]
    usage: Usage
    scores: Mapping[int, float] | None = None
    evidence: Mapping[int, str] | None = None
    reason: str = ""
    each: tuple[tuple[int, ...], ...] = ()
    undecided: bool = False
    places: Mapping[int, Place] | None = None
    turns: tuple[Mapping[str, Any], ...] = dataclass_field(default=(), compare=False, repr=False)
    transcript: Transcript | None = dataclass_field(default=None, compare=False, repr=False)


class Answers(Protocol):
    """A model that answers requests: the gateway, an encoder, a scripted model in a test."""

    @property
    def name(self) -> str:
        """The model string, as decision rows keep it."""

    @property
    def reads_prompts(self) -> bool:
        """Whether the model reads the three blocks; otherwise they are not rendered and empty."""

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer each request, in order; a request that fails is an error in its place, never an exception."""
