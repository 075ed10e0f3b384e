"""Assistant without a language model: nearest examples select the tool, names and quotations fill its arguments."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from taxonaut.agents.assistant import Message as Said
from taxonaut.agents.assistant import OnToken, Turn
from taxonaut.conversation.nlu.arguments import NUMBER, ArgumentFiller, Filled
from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.message import FILLERS, SLOT, Message, mask_message, parse_message
from taxonaut.conversation.nlu.names import Names, key
from taxonaut.conversation.nlu.nearest import Examples, NearestExample
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Embedder
from taxonaut.state.ids import ItemId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Usage
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse

AGENT = "assistant"
LEAST_SCORE = 0.15
NEAR_SCORE = 0.2
"""Minimum score of the best tool, and how far behind another is tried if the best lacks an argument."""

CLOSE_MATCH = 0.6
"""Score above which a message closely matches examples."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_OPTION = re.compile(r"^  (\d)  (.+)$", re.MULTILINE)
_WORD = re.compile(r"[\w'+#-]+")


@dataclass(frozen=True, slots=True)
class FittedExamples:
    """A classifier fitted to the examples of some tools, and the words of the examples."""

    tools: Mapping[str, Tool]
    nearest: NearestExample
    known: frozenset[str]


class ChoosingAssistant:
    """Assistant that only chooses tools; a tool's outcome is the answer.

    `learn` fits a classifier to the examples of tools (`nearest.build_learner`).
    """

    def __init__(self, embedder: Embedder, learn: Callable[[Examples], NearestExample], index: Index) -> None:
        self.writes = False
        self.embedder = embedder
        self.learn = learn
        self.index = index
        self._names: Names | None = None
        self._book: FittedExamples | None = None

    @property
    def names(self) -> Names:
        """The names of the index, reloaded after a change."""
        version = int(self.index.version())
        if self._names is None or self._names.version != version:
            self._names = Names(self.index, version)
        return self._names

    async def step(
        self, messages: Sequence[Said], focus: Focus, tools: Mapping[str, Tool], on_token: OnToken
    ) -> Turn:
        """Interpret the user's last message; after a tool's message, return an empty turn."""
        talk = [
            str(each.get("content") or "") for each in messages if each.get("role") in ("user", "assistant")
        ]
        if not talk or messages[-1].get("role") != "user":
            return Turn()
        said, option = talk[-1], None
        if (
            len(talk) > 2
            and talk[-2].endswith(NUMBER)
            and (place := self.resolve_option(said, talk[-2])) is not None
        ):
            said, option = talk[-3], place
        return await computed(lambda: self.interpret(said, focus, tools, option))

    def interpret(self, said: str, focus: Focus, tools: Mapping[str, Tool], option: Place | None) -> Turn:
        """Return a call of the best tool, or of a close one if it lacks an argument, else ask back."""
        started = time.perf_counter()
        book = self.fit_examples(tools)
        message = parse_message(said, self.names, book.known)
        scores = self.score_tools(book, message)
        if option is not None:  # an earlier message is read again: it asks, as changes have no options
            scores = {
                name: score for name, score in scores.items() if name == OTHER or not tools[name].changes
            }
        latency = time.perf_counter() - started
        best, score = next(iter(scores.items()))
        if best == OTHER or score < LEAST_SCORE:
            return Turn(
                text=self.help_text(tools), decisions=(self.build_decision(said, scores, (), latency),)
            )
        filler = ArgumentFiller(self.names, book.known, message, focus, score > CLOSE_MATCH, option)
        near = [
            name for name in scores if name != OTHER and scores[name] >= max(LEAST_SCORE, score - NEAR_SCORE)
        ]
        first: Filled | None = None
        for name in near:
            if tools[name].changes != tools[best].changes and (tools[name].changes or score > CLOSE_MATCH):
                continue
            filled = filler.fill_tool(tools[name])
            if not filled.question:
                use = ToolUse(uuid4().hex, name, filled.arguments)
                decision = self.build_decision(said, scores, (name,), latency)
                return Turn(
                    (use,),
                    understood=describe_reading(tools[name], filled.descriptions),
                    decisions=(decision,),
                )
            first = first or filled
        assert first is not None
        return Turn(text=first.question, decisions=(self.build_decision(said, scores, (best,), latency),))

    def fit_examples(self, tools: Mapping[str, Tool]) -> FittedExamples:
        """Return the fitted classifier of the tools, cached."""
        if self._book is None or self._book.tools is not tools:
            examples = {name: tool.examples for name, tool in tools.items() if tool.examples}
            examples[OTHER] = phrasings()[OTHER]
            text = SLOT.sub(" ", "\n".join(line for lines in examples.values() for line in lines)).casefold()
            known = frozenset(_WORD.findall(text)) | FILLERS
            self._book = FittedExamples(tools, self.learn(examples), known)
        return self._book

    def score_tools(self, book: FittedExamples, message: Message) -> dict[str, float]:
        """Score the tools, best first; a message without any known word is an item's text."""
        if len(message.parts) > 1 and not any(
            part.kind != "word" or part.word in book.known for part in message.parts
        ):
            bare = [
                name
                for name, tool in book.tools.items()
                if [each.kind for each in tool.slots.values()] == ["text"]
            ]
            if bare:
                return {bare[0]: 1.0}
        return book.nearest.scores(
            self.embedder.embed([mask_message(message, book.known), mask_message(message)])
        )

    def resolve_option(self, said: str, question: str) -> Place | None:
        """Return the option of a question named by *2*, *the second*, *the last* or a path, else None."""
        options = [path for _, path in _OPTION.findall(question)]
        words = key(said).strip(" .!").removeprefix("the ").removesuffix(" one").removeprefix("number ")
        named = [path for path in options if f" > {key(path)}".endswith(f" > {words}")]
        if words.isdecimal() and 1 <= int(words) <= len(options):
            named = [options[int(words) - 1]]
        elif words in _ORDINALS[: len(options)]:
            named = [options[_ORDINALS.index(words)]]
        elif words == "last":
            named = options[-1:]
        return next(iter(self.names.exact(named[0])), None) if len(named) == 1 else None

    def build_decision(
        self, said: str, scores: Mapping[str, float], choice: tuple[str, ...], latency: float
    ) -> Decision:
        """Build the decision row of a message."""
        return Decision(
            item_id=ItemId(said[:200]),
            node_id=None,
            agent=AGENT,
            template="assistant/phrasings",
            template_hash="",
            model=f"encoder/{self.embedder.name}",
            tool="choose_tool",
            options=tuple(scores),
            choice=choice,
            scores=tuple(scores.values()),
            usage=Usage(latency_s=latency),
        )

    def help_text(self, tools: Mapping[str, Tool]) -> str:
        """Return a help text for a message that no tool handles."""
        top = self.index.children(self.index.root())
        examples = {
            "classify": "where would wireless earbuds go?",
            "list_children": f"show me what is under {top[0].name if top else 'the top'}",
            "losses": "which categories lost most items last week?",
            "diff": "what changed?",
        }
        shown = [f"  {text}" for name, text in examples.items() if name in tools][:3]
        return "\n".join(["That is nothing I can do here. You can ask, for example:", *shown])


def describe_reading(tool: Tool, said: Mapping[str, str]) -> str:
    """Describe how a message was read, by the tool's first example with these arguments."""
    example = next((each for each in tool.examples if set(SLOT.findall(each)) == set(said)), None)
    if example is None:
        return " · ".join(
            [tool.name.replace("_", " "), *(f"{name}: {value}" for name, value in said.items())]
        )
    return SLOT.sub(lambda found: said[found[1]], example.rstrip("?"))
