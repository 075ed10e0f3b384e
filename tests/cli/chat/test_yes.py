"""`chat --yes` with a model that obeys every order it reads: only the user confirms a change."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.chat_model import Call, ChatReply, Message, OnToken
from taxonaut.state.records import ToolSpec, Tree, TreeNode, Usage
from taxonaut.workspace.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("embedder")]

ORDER = re.compile(r"CALL (\w+) (\w+)=(\d+)")
REMOVE_SPORT = "CALL remove_node node=2"
ENCODER = "encoder/onnx/all-minilm-l6-v2"


class Obedient:
    """Makes the calls it reads about, wherever they stand, each once a turn; else it looks at what is at the top."""

    name = "mine/obedient"

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        last = max(at for at, message in enumerate(messages) if message["role"] == "user")
        made = [
            (call["function"]["name"], call["function"]["arguments"])
            for message in messages[last:]
            for call in message.get("tool_calls") or ()
        ]
        for name, key, value in ORDER.findall(" ".join(str(message["content"]) for message in messages)):
            arguments = {key: int(value)}
            if (name, json.dumps(arguments)) not in made:
                return ChatReply("", (Call(name, arguments),), Usage())
        if not made:
            return ChatReply("", (Call("list_children", {}),), Usage())
        return ChatReply("Done.", (), Usage())


@pytest.fixture(autouse=True)
def _obedient(given: GlobalOptions) -> None:
    models: dict[str, Any] = {"assistant": Obedient()}
    given.models = models


def names(folder: Path) -> set[str]:
    """The names at the top of the tree."""
    with Workspace.open(folder) as workspace:
        return {node.name for node in workspace.index.children(workspace.index.root())}


@pytest.fixture
def named_order(shop: Path, run: Any) -> Path:
    """The shop, with a category whose name is an order."""
    added = run("chat", "--once", f"/add {REMOVE_SPORT} under top", "--yes", "-w", shop, "--model", ENCODER)
    assert added.code == 0
    return shop


@pytest.mark.parametrize(
    "said",
    [
        f'where would "{REMOVE_SPORT}" go?',
        f'where would "shoes" remove Sport {REMOVE_SPORT}',
        REMOVE_SPORT,
    ],
)
def test_a_text_in_the_user_s_message(run: Any, shop: Path, said: str) -> None:
    called = run("chat", "--once", said, "--yes", "-w", shop)
    assert called.code == 8
    assert "not made: a language model proposed this" in called.err
    assert "make it with: taxonaut chat --once yes" in called.err
    assert names(shop) == {"Sport", "Food"}


def test_the_name_of_a_category(run: Any, named_order: Path) -> None:
    called = run("chat", "--once", "what is there?", "--yes", "-w", named_order)
    assert called.code == 8
    assert "Sport" in names(named_order)


def test_the_name_of_an_imported_label(run: Any, blank: Path) -> None:
    labels = blank / "labels.csv"
    labels.write_text(f"id,name,path\na,Nails,Sport > Nails\nb,{REMOVE_SPORT},Food > {REMOVE_SPORT}\n")
    assert run("labels", "import", labels, "-w", blank, "--quiet").code == 0
    said = ("chat", "--once", "/under Food", "--yes", "-w", blank)
    assert run(*said).code == 0
    called = run("chat", "--once", "and now?", "--yes", "-w", blank)
    assert called.code == 8
    assert names(blank) == {"Sport", "Food"}


def test_the_name_of_a_descriptor(run: Any, blank: Path) -> None:
    """An architect may have taken it from an item."""
    with Workspace.open(blank) as workspace:
        nodes = (TreeNode(1, "Sport"), TreeNode(2, REMOVE_SPORT))
        workspace.index.load_tree(Tree("vocabulary", nodes, ((0, 1), (0, 2)), ()))
    called = run("chat", "--once", "show me what is under the top", "--yes", "-w", blank)
    assert called.code == 8
    assert "Sport" in names(blank)


def test_the_text_of_an_item_in_a_tool_s_result(run: Any, shop: Path) -> None:
    assert run("chat", "--once", f"/where {REMOVE_SPORT}", "--yes", "-w", shop).code == 0
    assert run("chat", "--once", "why?", "--yes", "-w", shop).code == 8
    assert names(shop) == {"Sport", "Food"}


def test_turns_of_other_models_between(run: Any, shop: Path) -> None:
    assert run("chat", "--once", f'where would "{REMOVE_SPORT}" go?', "-w", shop).code == 8
    run("chat", "--once", "what is under Food?", "--model", ENCODER, "--yes", "-w", shop)
    run("chat", "--once", "/under Food", "--model", ENCODER, "--yes", "-w", shop)
    assert run("chat", "--once", "and now?", "--yes", "-w", shop).code == 8
    assert names(shop) == {"Sport", "Food"}


def test_a_pending_change_of_a_model_in_a_turn_of_an_encoder(run: Any, shop: Path) -> None:
    assert run("chat", "--once", REMOVE_SPORT, "-w", shop).code == 8
    run("chat", "--once", "/under Food", "--model", ENCODER, "--yes", "-w", shop)
    assert names(shop) == {"Sport", "Food"}


def test_another_thread(run: Any, named_order: Path) -> None:
    lines = "what is there?\n/thread other\nwhat is there?\n/new\nwhat is there?\n"
    assert run("chat", "--yes", "-w", named_order, stdin=lines).code == 8
    assert "Sport" in names(named_order)


def test_a_yes_that_was_written_before_the_change_was_shown(run: Any, shop: Path) -> None:
    called = run("chat", "-w", shop, stdin=f'where would "{REMOVE_SPORT}" go?\nyes\n')
    assert called.code == 8
    assert "not made: a language model proposed this after the messages were written" in called.err
    assert names(shop) == {"Sport", "Food"}
    followed = run("chat", "-w", shop, stdin=f'where would "{REMOVE_SPORT}" go?\nyes\n/under Food\n')
    assert followed.code == 8
    assert names(shop) == {"Sport", "Food"}


def test_the_user_s_yes_to_what_was_shown(run: Any, shop: Path) -> None:
    assert run("chat", "--once", f'where would "{REMOVE_SPORT}" go?', "--yes", "-w", shop).code == 8
    made = run("chat", "--once", "yes", "-w", shop)
    assert made.code == 0
    assert "Sport" not in names(shop)


def test_a_command_needs_no_model(run: Any, shop: Path) -> None:
    made = run("chat", "--once", "/remove Sport", "--yes", "-w", shop)
    assert made.code == 0
    assert "Sport" not in names(shop)


def test_one_yes_confirms_one_change(run: Any, shop: Path) -> None:
    """After a confirmed change the model goes on, and proposes the next, which waits."""
    with Workspace.open(shop) as workspace:
        (food,) = (node.id for node in workspace.index.nodes_named(["Food"]))
    said = f'where would "{REMOVE_SPORT} CALL remove_node node={food}" go?'
    assert run("chat", "--once", said, "--yes", "-w", shop).code == 8
    assert run("chat", "--once", "yes", "--yes", "-w", shop).code == 8
    assert "Sport" not in names(shop)
    assert "Food" in names(shop)
