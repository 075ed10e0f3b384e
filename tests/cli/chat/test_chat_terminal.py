"""`taxonaut chat` at a terminal: Tab, a change with yes and no, Ctrl-C, a thread that goes on."""

import importlib.util
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulled import require_weights
from terminal_screen import Played

pytestmark = [pytest.mark.local, pytest.mark.slow]

PROMPT = "\n>"
SURE = "make this change? [y/N]"
SLOW = str(Path(__file__).parents[1] / "slow_process.py")

Start = Callable[..., Played]


@pytest.fixture
def start(shop: Path) -> Iterator[Start]:
    """Start chats over the shop; they are closed at the end."""
    require_weights()
    if importlib.util.find_spec("pexpect") is None:
        pytest.skip("pexpect is not installed")
    started: list[Played] = []

    def begin(*options: str, program: tuple[str, ...] = ("-m", "taxonaut")) -> Played:
        command = [sys.executable, *program, "chat", "-w", str(shop), *options]
        started.append(Played(command, env=dict(os.environ), patience_s=180))
        started[-1].wait(lambda shown: shown.endswith((PROMPT, SURE)))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def say(chat: Played, keys: str, until: str = PROMPT) -> str:
    """Type a line, wait for what follows, and return what is new on the screen."""
    before = len(chat.screen.text())
    chat.send(keys)
    chat.wait(lambda shown: keys.strip()[-8:] in shown[before:] or "\t" in keys)
    chat.send("\r")
    chat.wait(lambda shown: "\n" in shown[before:] and shown.endswith(until))
    return chat.screen.text()[before:]


def test_a_conversation(start: Start, shop: Path) -> None:
    chat = start()
    first, second = chat.screen.lines()[:2]
    assert first == "shop: 5 labels, 5 nodes; encoder/onnx/all-minilm-l6-v2"
    assert second == 'try:   /help   where would "hiking boots" go?   what is under Shoes?'
    assert "Fruit  (2 labels)" in say(chat, "show me what is under Food")

    assert say(chat, 'add a category for "Nuts" under Food', SURE).splitlines()[-2] == "+ Food > Nuts #7"
    assert "not done. Nothing was changed." in say(chat, "n")
    say(chat, "/add Nuts under Food", SURE)
    assert "done: add Nuts under Food" in say(chat, "y")
    assert "+ Food > Nuts" in say(chat, "/diff")

    chat.send("/unde")
    chat.send("\t")
    chat.wait(lambda shown: shown.endswith("/under"))
    chat.send(" Camp\t")
    chat.wait_for("> /under Sport > Camping")
    assert "- Family tents" in say(chat, "")
    chat.send("\x1b[200~one\ntwo\x1b[201~")
    chat.wait(lambda shown: shown.endswith("> one\ntwo"))
    chat.send("\r")
    chat.wait(lambda shown: shown.rpartition("> one\ntwo\n")[2].endswith(PROMPT))

    chat.send("\x03")
    chat.wait(lambda shown: shown.endswith(f"/quit or Ctrl-D leaves{PROMPT}"))
    chat.send("\x04")
    assert chat.ended() == 0
    history = shop / "chat_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "+show me what is under Food" in history.read_text(encoding="utf-8")


def test_a_thread_goes_on_with_what_waits(start: Start) -> None:
    chat = start()
    say(chat, "/under Sport")
    say(chat, "/under Food")
    say(chat, "/add Nuts under Food", SURE)
    chat.send("\x04")
    chat.wait(lambda shown: shown.endswith(PROMPT) and "it is shown again when you come back" in shown)
    chat.send("/quit\r")
    assert chat.ended() == 0
    again = start()
    shown = again.screen.text()
    assert "\nthread default: 3 turns; the last 2:\n> /under Food\nFood  #3\n" in shown
    assert "\nthis change waits for your answer\nadd Nuts under Food\n+ Food > Nuts #7\n" in shown
    assert shown.endswith(SURE)
    assert "done: add Nuts under Food" in say(again, "yes")
    assert "thread spring" in say(again, "/thread spring")
    assert "default" in say(again, "/threads")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of texts that takes a while."""
    file = tmp_path / "many.txt"
    file.write_text("".join(f"red apples {n} hiking boots\n" for n in range(60)), encoding="utf-8")
    return file


def test_ctrl_c_breaks_off_and_a_killed_answer_is_gone_on_with(start: Start, many: Path) -> None:
    chat = start(program=(SLOW,))
    chat.send(f"/label {many}\r")
    chat.wait_for("label_file")
    chat.send("\x03")
    chat.wait_for("broken off")
    chat.wait(lambda shown: shown.endswith(PROMPT))
    assert "- Family tents" in say(chat, "/under Camping")

    chat.send(f"/label {many}\r")
    chat.wait(lambda shown: "label_file" in shown.rpartition("- Family tents")[2])
    os.kill(chat.process.pid, signal.SIGKILL)
    chat.close()
    again = start(program=(SLOW,))
    assert "the last answer was broken off; going on with it" in again.screen.text()
    assert "✓ label_file: " in again.screen.text()
