"""Who leads a conversation: from what was said to the next tool calls, or to an answer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from taxonaut.models.chat_model import ChatModel, ChatReply, without_oldest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse

OnToken = Callable[[str], None]
"""Called with each piece of an answer as it is written."""

Message = Mapping[str, Any]
"""A message in the OpenAI format: role, content, tool_calls, tool_call_id."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the assistant does next: calls, or an answer in `text`, or a question back in `text`.

    `understood` says in a line how the person's words were read. `wrong` is a call that could not be taken, said
    so that a model can mend it; the graph counts them.
    """

    uses: tuple[ToolUse, ...] = ()
    text: str = ""
    understood: str = ""
    wrong: str = ""
    decisions: tuple[Decision, ...] = ()


class Assistant(Protocol):
    """Anything that leads a conversation: a language model, or an encoder that chooses among what is on offer."""

    @property
    def writes(self) -> bool:
        """Whether it writes answers; if not, the outcome of a tool is the answer."""

    async def step(
        self,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Take the next step after `messages`, the last of them the person's or a tool's."""


TEMPLATE = "assistant/converse"
AGENT = "assistant"
ANSWER = "answer"
"""What a decision row has for an answer in words."""

MOST_CHARACTERS = 60_000
"""Characters of a history that a model reads; what is older is left out, a call always with its answers."""

Facts = Mapping[str, Any]
"""The variables of the block `context`: `labels`, `categories`, `root`, `top`."""


class TalkingAssistant:
    """Lead a conversation with a language model. `facts` says what the index holds, before each step."""

    def __init__(
        self, model: ChatModel, prompts: PromptLibrary, facts: Callable[[], Facts], task: str = ""
    ) -> None:
        self.model = model
        self.prompt = prompts.get(TEMPLATE)
        self.facts = facts
        self.task = task

    @property
    def writes(self) -> bool:
        """It writes its answers."""
        return True

    async def step(
        self,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Ask the model for its next calls or its answer; raises ModelError where it gives none."""
        specs = [tool.spec for tool in tools.values()]
        talked = await self.model.reply(self.shown(messages), specs, on_token)
        wrong = talked.wrong
        if not wrong and not talked.calls and not talked.text.strip():
            wrong = "There was neither a call nor an answer. Call a tool, or answer in words."
        decision = self.decision(messages, tools, talked, wrong)
        if wrong:
            return Turn(wrong=wrong, decisions=(decision,))
        uses = tuple(ToolUse("", call.name, call.arguments) for call in talked.calls)
        return Turn(uses, talked.text.strip(), decisions=(decision,))

    def shown(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages as the model reads them, behind what the template says."""
        variables = {"task": self.task, **self.facts()}
        system, context = (self.prompt.render(block, variables) for block in ("system", "context"))
        head = {"role": "system", "content": f"{system}\n\n{context}".strip()}
        said = next((str(each["content"]) for each in reversed(messages) if each["role"] == "user"), "")
        if said and self.prompt.recorder is not None:
            self.prompt.recorder.note(self.prompt.name, {**variables, "text": said})
        return [head, *map(self.as_item, recent(messages))]

    def as_item(self, message: Message) -> Message:
        """Put a message of the person through the block `item`."""
        if message["role"] != "user":
            return message
        return {**message, "content": self.prompt.render("item", {"text": message["content"]})}

    def decision(
        self,
        messages: Sequence[Message],
        tools: Mapping[str, Tool],
        talked: ChatReply,
        wrong: str,
    ) -> Decision:
        """Return the row of a step; its item is the person's last message."""
        said = next((each["content"] for each in reversed(messages) if each["role"] == "user"), "")
        taken = tuple(call.name for call in talked.calls) or (() if wrong else (ANSWER,))
        return Decision(
            item_id=ItemId(hashlib.sha256(str(said).encode(errors="replace")).hexdigest()[:12]),
            node_id=None,
            agent=AGENT,
            template=self.prompt.name,
            template_hash=self.prompt.hash,
            model=self.model.name,
            tool=taken[0] if taken else "",
            options=(*tools, ANSWER),
            choice=taken,
            usage=talked.usage,
            error=wrong,
        )


def recent(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the latest messages that have no more than `MOST_CHARACTERS`; the person's last one always."""
    while sum(len(str(message)) for message in messages) > MOST_CHARACTERS:
        fewer = without_oldest(messages)
        if fewer is None:
            break
        messages = fewer
    return messages
