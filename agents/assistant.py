"""Assistant of a conversation: from the messages to the next tool calls or an answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from taxonaut.models.chat_model import ChatModel, ChatReply, without_oldest
from taxonaut.models.llm.text_calls import TextGate, without_thoughts
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.records import Decision, as_item, hash_text
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse

OnToken = Callable[[str], None]
"""Called with each streamed piece of an answer."""

Message = Mapping[str, Any]
"""A message in the OpenAI format: role, content, tool_calls, tool_call_id."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The assistant's next step: tool calls, or an answer or a question in `text`.

    `understood` says in a line how the user's message was read. `wrong` explains an invalid call so that a model
    can correct it; the graph limits their number.
    """

    uses: tuple[ToolUse, ...] = ()
    text: str = ""
    understood: str = ""
    wrong: str = ""
    decisions: tuple[Decision, ...] = ()


class Assistant(Protocol):
    """Protocol of an assistant: a language model, or an encoder that chooses among tools."""

    @property
    def writes(self) -> bool:
        """Whether it is a language model: it reads what tools return, and writes answers.

        Changes that it proposes are only made after the user confirmed them. If not, a tool's outcome is the answer.
        """

    async def step(
        self,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Take the next step after `messages`, the last of which is the user's or a tool's."""


TEMPLATE = "assistant/converse"
AGENT = "assistant"
ANSWER = "answer"
"""The choice of a decision row for an answer in words."""

MOST_CHARACTERS = 60_000
"""Maximum characters of history sent to a model; older messages are dropped, a call together with its results."""

Facts = Mapping[str, Any]
"""The variables of the block `context`: `labels`, `categories`, `root`, `top`."""


class TalkingAssistant:
    """Assistant over a language model. `facts` describes the index, before each step."""

    def __init__(
        self, model: ChatModel, prompts: PromptLibrary, facts: Callable[[], Facts], task: str = ""
    ) -> None:
        self.model = model
        self.prompt = prompts.get(TEMPLATE)
        self.facts = facts
        self.task = task

    @property
    def writes(self) -> bool:
        """Always true."""
        return True

    async def step(
        self,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Ask the model for its next calls or its answer, which is passed on without thoughts (`<think>`).

        Raises ModelError if it gives none.
        """
        specs = [tool.spec for tool in tools.values()]
        gate = TextGate(on_token)
        reply = await self.model.reply(self.build_messages(messages), specs, gate.add)
        text, wrong = without_thoughts(reply.text).strip(), reply.wrong
        if not wrong and not reply.calls:
            gate.release()
        if not wrong and not reply.calls and not text:
            wrong = "There was neither a call nor an answer. Call a tool, or answer in words."
        decision = self.build_decision(messages, tools, reply, wrong)
        if wrong:
            return Turn(wrong=wrong, decisions=(decision,))
        uses = tuple(ToolUse("", call.name, call.arguments) for call in reply.calls)
        return Turn(uses, text, decisions=(decision,))

    def build_messages(self, messages: Sequence[Message]) -> list[Message]:
        """Build the messages sent to the model: the rendered system message, then the recent history."""
        variables = {"task": self.task, **self.facts()}
        system, context = (self.prompt.render(block, variables) for block in ("system", "context"))
        head = {"role": "system", "content": f"{system}\n\n{context}".strip()}
        said = next((str(each["content"]) for each in reversed(messages) if each["role"] == "user"), "")
        if said and self.prompt.recorder is not None:
            self.prompt.recorder.note(self.prompt.name, {**variables, "text": said})
        return [head, *map(self.render_message, trim_history(messages))]

    def render_message(self, message: Message) -> Message:
        """Render a user message with the block `item`; return others unchanged."""
        if message["role"] != "user":
            return message
        return {**message, "content": self.prompt.render("item", {"text": message["content"]})}

    def build_decision(
        self,
        messages: Sequence[Message],
        tools: Mapping[str, Tool],
        reply: ChatReply,
        wrong: str,
    ) -> Decision:
        """Build the decision row of a step; its item is the user's last message."""
        said = next((each["content"] for each in reversed(messages) if each["role"] == "user"), "")
        taken = tuple(call.name for call in reply.calls) or (() if wrong else (ANSWER,))
        return Decision(
            item_id=as_item(str(said)).id,
            node_id=None,
            agent=AGENT,
            template=self.prompt.name,
            template_hash=self.prompt.hash,
            model=self.model.name,
            tool=taken[0] if taken else "",
            options=(*tools, ANSWER),
            choice=taken,
            usage=reply.usage,
            error=wrong,
            rendered=hash_text(repr(messages))[:16],
        )


def trim_history(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the latest messages of at most `MOST_CHARACTERS`, at least the user's last one."""
    while sum(len(str(message)) for message in messages) > MOST_CHARACTERS:
        fewer = without_oldest(messages)
        if fewer is None:
            break
        messages = fewer
    return messages
