"""A conversation of twelve turns in a terminal, written down as it looks, with the seconds of each turn.

    python benchmarks/transcript.py shopify --workspace DIR > docs/chat-shopify.md
    python benchmarks/transcript.py esco --workspace DIR > docs/chat-esco.md

DIR is a workspace with the labels of the set (`taxonaut labels import`: shopify/labels.jsonl, esco/native_tree.jsonl)
whose labels have been embedded (`taxonaut classify` of any text does that); a copy of it is talked to. The turns
stand in docs/chat/NAME.txt. Ends with 1 if a turn led to another tool than the one that stands there.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terminal_screen import Played

from common import arguments, print_markdown
from taxonaut.cli.chat.view import SURE

ITEMS = 20
WIDTH = 100
CALL = re.compile("^([✓✗]) (\\w+)", re.MULTILINE)
AT_PROMPT = "\n>"
LEFT_OUT = ("index.duckdb.wal", "threads.sqlite", "chat_history")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script: the tool it should lead to, what is said to its change, the message."""

    tool: str
    answer: str
    message: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as it was: what was on the screen, the tool that was called, the seconds from Enter to the prompt."""

    line: Line
    tool: str
    seconds: float


def add(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("name", choices=("shopify", "esco"))
    parser.add_argument("--workspace", type=Path, required=True, help="a workspace with the set's labels")


def main() -> int:
    """Write the transcript."""
    options = arguments(__doc__, add)
    lines = script(Path(__file__).parents[1] / "docs" / "chat" / f"{options.name}.txt")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(options.workspace, folder / options.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        file, items = ITEM_FILES[options.name](options.data)
        (folder / file).write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
        turns, text, first = played(folder, options.name, lines)
    print_page(options.name, turns, text, first)
    wrong = [turn for turn in turns if turn.tool != turn.line.tool]
    for turn in wrong:
        print(f"{turn.line.message!r} led to {turn.tool}, not {turn.line.tool}", file=sys.stderr)
    return 1 if wrong else 0


def script(path: Path) -> list[Line]:
    """Read the lines of a script."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, _, message = line.partition(": ")
            tool, _, answer = head.partition(", ")
            found.append(Line(tool, answer, message))
    return found


def played(folder: Path, name: str, lines: Sequence[Line]) -> tuple[list[Turn], str, float]:
    """Type the lines into a chat; return the turns, the screen's text, the seconds from start to first answer."""
    began = time.perf_counter()
    os.chdir(folder)
    chat = Played(
        [sys.executable, "-m", "taxonaut", "-w", name, "chat"],
        env=dict(os.environ),
        width=WIDTH,
        patience_s=300,
    )
    try:
        chat.wait(lambda shown: shown.endswith(AT_PROMPT))
        turns = []
        first = 0.0
        for line in lines:
            turns.append(said(chat, line))
            first = first or time.perf_counter() - began
        chat.send("\x04")
        chat.ended()
    finally:
        chat.close()
    return turns, chat.screen.text().removesuffix(AT_PROMPT), first


def said(chat: Played, line: Line) -> Turn:
    """Say one line, answer its change, and wait for the next prompt."""
    before = len(chat.screen.text())
    chat.send(line.message)
    chat.wait_for(line.message[-20:])
    chat.send("\r")
    seconds = chat.wait(lambda shown: shown.endswith((AT_PROMPT, SURE.strip())) and "\n" in shown[before:])
    if chat.screen.text().endswith(SURE.strip()):
        chat.send(f"{line.answer or 'no'}\r")
        seconds += chat.wait(lambda shown: shown.endswith(AT_PROMPT))
    call = CALL.search(chat.screen.text()[before:])
    tool = "no tool" if call is None else call[2] if call[1] == "✓" else f"{call[2]}, which failed"
    return Turn(line, tool, seconds)


def products(data: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return a file's name and another shop's products whose categories have the name of one of Shopify's."""
    named: dict[str, list[str]] = {}
    for row in rows(data / "shopify" / "labels.jsonl"):
        named.setdefault(row["name"].casefold(), []).append(row["id"])
    theirs = {row["id"]: row["name"].casefold() for row in rows(data / "flipkart" / "labels.jsonl")}
    found: dict[str, dict[str, Any]] = {}
    for row in rows(data / "flipkart" / "dev.jsonl"):
        name = theirs[row["labels"][0]]
        if len(named.get(name, ())) == 1:
            found.setdefault(name, {**row, "labels": named[name]})
    return "products.jsonl", list(found.values())[:ITEMS]


def sentences(data: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return a file's name and sentences of job advertisements with the skills they name."""
    return "sentences.jsonl", rows(data / "esco" / "tech_dev.jsonl")[:ITEMS]


ITEM_FILES = {"shopify": products, "esco": sentences}


def rows(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


TITLES = {
    "shopify": "A conversation over Shopify's taxonomy",
    "esco": "A conversation over ESCO's skills",
}


def print_page(name: str, turns: Sequence[Turn], text: str, first: float) -> None:
    """Print the transcript and its times as Markdown."""
    print(f"# {TITLES[name]}\n")
    print(
        f"Typed from docs/chat/{name}.txt into `taxonaut chat` in a terminal, and written down, by\n"
        f"`python benchmarks/transcript.py {name} --workspace DIR`. No language model: the encoder chooses.\n"
    )
    print(f"```text\n{text}\n```\n")
    print(f"From the start of the program to the first answer, typed at once: {first:.1f} s.\n")
    print_markdown(
        [
            ["said", "tool", "s"],
            *([turn.line.message.replace("|", "\\|"), turn.tool, f"{turn.seconds:.1f}"] for turn in turns),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
