"""The assistant without a language model: the nearest examples choose a tool, names and quotations its arguments."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from taxonaut.agents.assistant import Message as Said
from taxonaut.agents.assistant import OnToken, Turn
from taxonaut.conversation.nlu.arguments import NUMBER, Filled, Filling
from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.message import FILLERS, SLOT, Message, masked, read
from taxonaut.conversation.nlu.names import Names, key
from taxonaut.conversation.nlu.nearest import Examples, NearestExample
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Embedder
from taxonaut.state.ids import ItemId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Usage
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse

AGENT = "assistant"
LEAST = 0.15
NEAR = 0.2
"""What the best tool scores at least, and how far behind a tool is taken because the best lacks an argument."""

SURELY = 0.6
"""What a message scores that is much like examples."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_OPTION = re.compile(r"^  (\d)  (.+)$", re.MULTILINE)
_WORD = re.compile(r"[\w'+#-]+")


@dataclass(frozen=True, slots=True)
class Book:
    """The examples of some tools, learned from, and the words they use."""

    tools: Mapping[str, Tool]
    nearest: NearestExample
    known: frozenset[str]


class ChoosingAssistant:
    """Leads a conversation by choosing, and writes nothing: the outcome of a tool is the answer.

    `learn` learns from the examples of tools (`nearest.learner`).
    """

    def __init__(self, embedder: Embedder, learn: Callable[[Examples], NearestExample], index: Index) -> None:
        self.writes = False
        self.embedder = embedder
        self.learn = learn
        self.index = index
        self._names: Names | None = None
        self._book: Book | None = None

    @property
    def names(self) -> Names:
        """All names as they are now; they are read again after a change."""
        version = int(self.index.version())
        if self._names is None or self._names.version != version:
            self._names = Names(self.index, version)
        return self._names

    async def step(
        self, messages: Sequence[Said], focus: Focus, tools: Mapping[str, Tool], on_token: OnToken
    ) -> Turn:
        """Read the last message, the user's; after a tool's there is nothing to add."""
        talk = [
            str(each.get("content") or "") for each in messages if each.get("role") in ("user", "assistant")
        ]
        if not talk or messages[-1].get("role") != "user":
            return Turn()
        said, pick = talk[-1], None
        if len(talk) > 2 and talk[-2].endswith(NUMBER) and (place := self.picked(said, talk[-2])) is not None:
            said, pick = talk[-3], place
        return await computed(lambda: self.turn(said, focus, tools, pick))

    def turn(self, said: str, focus: Focus, tools: Mapping[str, Tool], pick: Place | None) -> Turn:
        """Read a message: a call of the best tool, or of a near one if it lacks an argument, or a question back."""
        started = time.perf_counter()
        book = self.book(tools)
        message = read(said, self.names, book.known)
        scores = self.scores(book, message)
        latency = time.perf_counter() - started
        best, score = next(iter(scores.items()))
        if best == OTHER or score < LEAST:
            return Turn(text=self.offered(tools), decisions=(self.decision(said, scores, (), latency),))
        filling = Filling(self.names, book.known, message, focus, score > SURELY, pick)
        near = [name for name in scores if name != OTHER and scores[name] >= max(LEAST, score - NEAR)]
        first: Filled | None = None
        for name in near:
            if tools[name].changes != tools[best].changes and (tools[name].changes or score > SURELY):
                continue
            filled = filling.filled(tools[name])
            if not filled.wanting:
                use = ToolUse(uuid4().hex, name, filled.arguments)
                decision = self.decision(said, scores, (name,), latency)
                return Turn((use,), understood=understood(tools[name], filled.said), decisions=(decision,))
            first = first or filled
        assert first is not None
        return Turn(text=first.wanting, decisions=(self.decision(said, scores, (best,), latency),))

    def book(self, tools: Mapping[str, Tool]) -> Book:
        """Return what the examples of tools teach, learned once."""
        if self._book is None or self._book.tools is not tools:
            examples = {name: tool.examples for name, tool in tools.items() if tool.examples}
            examples[OTHER] = phrasings()[OTHER]
            text = SLOT.sub(" ", "\n".join(line for lines in examples.values() for line in lines)).casefold()
            known = frozenset(_WORD.findall(text)) | FILLERS
            self._book = Book(tools, self.learn(examples), known)
        return self._book

    def scores(self, book: Book, message: Message) -> dict[str, float]:
        """Score the tools, best first; words of which no example has any are the text of an item."""
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
        return book.nearest.scores(self.embedder.embed([masked(message, book.known), masked(message)]))

    def picked(self, said: str, question: str) -> Place | None:
        """Return the option of a question that *2*, *the second*, *the last* or a path means; None for all else."""
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

    def decision(
        self, said: str, scores: Mapping[str, float], choice: tuple[str, ...], latency: float
    ) -> Decision:
        """Return the row that keeps how a message was read."""
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

    def offered(self, tools: Mapping[str, Tool]) -> str:
        """Say what can be asked, for a message that no tool is for."""
        top = self.index.children(self.index.root())
        examples = {
            "classify": "where would wireless earbuds go?",
            "list_children": f"show me what is under {top[0].name if top else 'the top'}",
            "losses": "which categories lost most items last week?",
            "diff": "what changed?",
        }
        shown = [f"  {text}" for name, text in examples.items() if name in tools][:3]
        return "\n".join(["That is nothing I can do here. You can ask, for example:", *shown])


def understood(tool: Tool, said: Mapping[str, str]) -> str:
    """Say how a message was read, by the tool's first example that has the arguments."""
    example = next((each for each in tool.examples if set(SLOT.findall(each)) == set(said)), None)
    if example is None:
        return " · ".join(
            [tool.name.replace("_", " "), *(f"{name}: {value}" for name, value in said.items())]
        )
    return SLOT.sub(lambda found: said[found[1]], example.rstrip("?"))
