"""Talk in threads that are killed at random moments, and print what is there in the end.

python talk_kills.py FOLDER KILLS SEED: adds and undoes categories by turns in a conversation, first undisturbed, then
each turn in a forked process that is killed, and gone on with in another. Prints one JSON object: the facts after
each turn of both, and how many kills found a turn broken off, waiting for yes, or over. With 0 kills it talks, is
interrupted by Ctrl-C, and talks on.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import langgraph.checkpoint.sqlite.aio  # noqa: F401  (loaded once, before the forks)

from taxonaut.agents.assistant import Message, OnToken, Turn
from taxonaut.conversation.conversation import Conversation
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.graphs import converse
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.state.updates import Token
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse
from taxonaut.workspace.workspace import Workspace

LOADED = (converse, WorkspaceTools)
WORDS = 10
PAUSE_S = 0.01


class Obeys:
    """Does what the message says, `add NAME` or `undo`; else, and after each call, talks for a while."""

    writes = True

    async def step(
        self,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        said = str(messages[-1]["content"])
        if messages[-1]["role"] == "user" and said.startswith("add "):
            return Turn((ToolUse("1", "propose_category", {"name": said[4:], "parent": 1}),))
        if messages[-1]["role"] == "user" and said.startswith("undo"):
            return Turn((ToolUse("1", "undo", {}),))
        for _ in range(WORDS):
            on_token("word ")
            await asyncio.sleep(PAUSE_S)
        return Turn(text="Done.")


def facts(workspace: Workspace) -> list[Any]:
    """What stands at the top of the index, and its version: a change made twice would be seen."""
    index = workspace.index
    return [sorted(node.name for node in index.children(index.root())), int(index.version())]


def make(folder: Path, tell: Callable[[Any], None]) -> None:
    """Make a workspace with a few labels."""
    with Workspace.init(folder) as workspace:
        workspace.index.add_labels([Label(LabelId(f"l{n}"), f"Label {n}") for n in range(3)])
        workspace.build_index("kmeans")


def talk(folder: Path, texts: Sequence[str], tell: Callable[[Any], None]) -> None:
    """Say each text, and yes to its change; tell when it begins, and what is there after each."""
    with (
        Workspace.open(folder) as workspace,
        Conversation.open(workspace, assistant=Obeys()) as chat,
    ):
        tell("began")
        for text in texts:
            chat.say_sync(text)
            chat.decide_sync(True)
            tell(facts(workspace))


def recover(folder: Path, text: str, tell: Callable[[Any], None]) -> None:
    """Go on where the thread was left, saying yes, or say the text if it never arrived; tell what is there."""
    with (
        Workspace.open(folder) as workspace,
        Conversation.open(workspace, assistant=Obeys()) as chat,
    ):
        left = "broken off" if chat.interrupted else "waiting" if chat.pending else "over"
        heard = [said.text for said in chat.messages if said.by == "person"]
        chat.resume_sync()
        if text not in heard:
            left = "unheard"
            chat.say_sync(text)
        if chat.pending is not None:
            chat.decide_sync(True)
        tell([left, heard, facts(workspace), chat.interrupted or chat.pending is not None])


def breaks_off(folder: Path, tell: Callable[[Any], None]) -> None:
    """Be interrupted by Ctrl-C in the middle of an answer, then talk on."""
    with (
        Workspace.open(folder) as workspace,
        Conversation.open(workspace, assistant=Obeys()) as chat,
    ):

        async def slowly() -> None:
            async for update in chat.say("tell me"):
                if isinstance(update, Token):
                    os.kill(os.getpid(), signal.SIGINT)

        try:
            PORTAL.run(slowly())
        except KeyboardInterrupt:
            tell(chat.interrupted)
        chat.say_sync("add Toys")
        chat.decide_sync(True)
        tell([facts(workspace), [said.text for said in chat.messages if said.by == "assistant"]])


def forked(work: Callable[..., None], *given: Any) -> tuple[int, Any]:
    """Do work in a process of its own; returns its id, and where it tells."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with os.fdopen(writer, "w") as out:
                work(*given, lambda what: print(json.dumps(what), file=out, flush=True))
        except Exception:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    return child, os.fdopen(reader)


def told(work: Callable[..., None], *given: Any) -> list[Any]:
    """Do work in a process of its own; returns all it tells."""
    child, reader = forked(work, *given)
    with reader:
        lines = [json.loads(line) for line in reader]
    os.waitpid(child, 0)
    return lines


def seconds(folder: Path) -> float:
    """How long the first turn of a process takes."""
    told(make, folder)
    child, reader = forked(talk, folder, ["add C"])
    with reader:
        reader.readline()
        started = time.monotonic()
        reader.readline()
    os.waitpid(child, 0)
    return time.monotonic() - started


def main(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Talk undisturbed, then killed in each turn."""
    calm, hard = folder / "calm", folder / "hard"
    told(make, calm)
    if not kills:
        return {"told": told(breaks_off, calm)}
    told(make, hard)
    texts = [f"undo {n}" if n % 3 == 2 else f"add C{n}" for n in range(kills)]
    longest = seconds(folder / "timed")
    expected = told(talk, calm, texts)[1:]
    chance = random.Random(seed)
    found, left, heard = [], Counter[str](), True
    for at, text in enumerate(texts):
        child, reader = forked(talk, hard, [text])
        reader.readline()
        time.sleep(chance.random() * longest)
        os.kill(child, chance.choice((signal.SIGKILL, signal.SIGTERM)))
        os.waitpid(child, 0)
        reader.close()
        (state, before, after, unfinished) = told(recover, hard, text)[0]
        found.append(after)
        left[state] += 1
        heard = heard and not unfinished and before[:at] == texts[:at]
    return {"expected": expected, "found": found, "left": left, "history_whole": heard}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
