"""`/` commands of the chat itself, and what Tab offers; all other `/` commands are tools of the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import taxonaut
from taxonaut.cli.chat.talk import Talk
from taxonaut.cli.chat.threads import fresh_name, thread_lines, thread_names
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.conversation.completion import Candidate
    from taxonaut.conversation.conversation import Conversation
    from taxonaut.tools.support.chat_tool import Tool, Toolbox
    from taxonaut.workspace.core.config import ModelsConfig
    from taxonaut.workspace.workspace import Workspace

MOST_OFFERS = 40
LEAVING = {"/quit", "/exit"}


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """A command of the chat itself: what follows it, and what it does."""

    usage: str
    about: str


OWN: Mapping[str, OwnCommand] = {
    "/help": OwnCommand("", "what can be said here"),
    "/tools": OwnCommand("", "the tools of the workspace, each with its command"),
    "/threads": OwnCommand("", "the conversations of this workspace"),
    "/thread": OwnCommand("NAME", "go on in another thread, or begin one"),
    "/new": OwnCommand("", "begin a conversation with a generated name"),
    "/model": OwnCommand("[MODEL]", "which model leads the conversation, or another one from here on"),
    "/clear": OwnCommand("", "an empty screen; the thread stays"),
    "/quit": OwnCommand("", "leave, as Ctrl-D does"),
}

HELP = """\
Say what you want in a sentence, or type a / command; Tab completes it.
  where would "noise cancelling earbuds" go?      why not under Headphones?
  show me what is under Audio                     find labels about pets
  add a category for "Bone conduction" under Headphones      rename it to …      undo that
  which categories lost most items last week?     label items.csv      what did that cost?
A change is shown first and waits for your yes. Ctrl-C breaks off an answer, Ctrl-D leaves; the thread is kept."""


class Place(Protocol):
    """Where a conversation is led: a terminal, or a script."""

    workspace: Workspace
    talk: Talk

    def print(self, lines: Sequence[str]) -> None:
        """Write an answer of the chat itself."""

    def switch(self, thread: str) -> None:
        """Go on in another thread."""

    def clear(self) -> None:
        """Empty the screen, if there is one."""


def run_own_command(place: Place, line: str) -> bool:
    """Carry out a line if it is a command of the chat itself; say whether it was."""
    word, _, rest = line.partition(" ")
    given = rest.strip()
    match word:
        case "/help":
            place.print(help_lines())
        case "/tools":
            place.print(
                [line for pair in tool_lines(place.talk.ready()) for line in (pair[0], f"    {pair[1]}")]
            )
        case "/threads":
            place.print(thread_lines(place.workspace))
        case "/thread":
            switch_thread(place, given)
        case "/new":
            switch_thread(place, fresh_name())
        case "/model":
            take_model(place, given)
        case "/clear":
            place.clear()
        case _:
            return False
    return True


def help_lines() -> list[str]:
    """Say what can be said."""
    width = max(len(f"{word} {own.usage}") for word, own in OWN.items())
    own = [f"  {f'{word} {own.usage}':<{width}}  {own.about}" for word, own in OWN.items()]
    return [*HELP.splitlines(), *own]


def switch_thread(place: Place, thread: str) -> None:
    """Go on in another thread, or say which one this is."""
    if thread:
        place.switch(thread)
    place.print([f"this is thread {place.talk.thread}"])


def take_model(place: Place, given: str) -> None:
    """Say which model leads the conversation, or take another."""
    if given:
        place.workspace = place.talk.workspace = with_model(place.workspace, given)
        place.switch(place.talk.thread)
    place.print([f"{place.workspace.config.models.assistant.model} leads this conversation"])


def with_model(workspace: Workspace, given: str) -> Workspace:
    """Return a workspace whose assistant has another model: a role of taxonaut.toml, or a model string."""
    models = workspace.config.models
    return workspace.with_table(
        "models", models.model_copy(update={"assistant": settings_of_model(models, given)})
    )


def settings_of_model(models: ModelsConfig, given: str) -> taxonaut.ModelSettings:
    """Return a model's settings: a role's, or those of a model string; a server and key stay with their provider."""
    if given in type(models).model_fields:
        chosen: taxonaut.ModelSettings = getattr(models, given)
        return chosen
    if "/" not in given:
        raise InputError(
            f"{given!r} is no model; give a role of taxonaut.toml ({', '.join(type(models).model_fields)}), "
            "or a model string such as gguf/smollm2-135m-instruct or openai/gpt-4o-mini"
        )
    former = models.assistant
    if former.provider == given.partition("/")[0]:
        return former.model_copy(update={"model": given})
    return taxonaut.ModelSettings(model=given)


def slash_command(tool: Tool) -> str:
    """Return the word of a tool's command with its `/`."""
    return "/" + tool.command.removeprefix("/")


def tool_lines(chat: Conversation) -> list[tuple[str, str]]:
    """Return each tool's command with what follows it, and what it does, in the toolbox's order."""
    return [
        (f"{slash_command(tool)} {tool.usage}".strip(), f"{tool.spec.description}  ({tool.name})")
        for tool in chat.toolbox.tools.values()
    ]


def completions(talk: Talk, line: str) -> Iterator[tuple[str, int]]:
    """Yield completions of a line: the text, and where it begins, counted back from the end."""
    if not line.startswith("/"):
        return
    word, space, rest = line.partition(" ")
    if not space:
        known = [slash_command(tool) for tool in talk.ready().toolbox.tools.values()]
        for command in sorted({*known, *OWN}):
            if command.startswith(word):
                yield command, -len(line)
        return
    if word == "/thread":
        for name in thread_names(talk.workspace):
            if name.startswith(rest):
                yield name, -len(rest)
        return
    for offer in candidates(talk.ready().toolbox, line)[:MOST_OFFERS]:
        yield offer.text, offer.start - len(line)


def candidates(toolbox: Toolbox, line: str) -> list[Candidate]:
    """Return a toolbox's completions; a user's own toolbox may have none."""
    complete = getattr(toolbox, "complete", None)
    return [] if complete is None else list(complete(line))
