"""How often what people say leads to the right tool: rows of {"say", "tool", "arguments", "focus"} in a JSONL file.

    python benchmarks/conversation.py --workspace DIR --phrasings FILE [--part tune] [--wrong]

`tool` is null where no tool is meant. Arguments that are given are compared: a category by its name, a path from the
top, or its id; a text without case and article. `focus` says what was spoken of before, as `tools.toolbox.Focus`,
nodes by paths. Nothing is carried out.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taxonaut.conversation.assistants import open_choosing_assistant
from taxonaut.conversation.nlu.assistant import ChoosingAssistant
from taxonaut.conversation.nlu.mentions import find_place, path_names, resolve_place
from taxonaut.conversation.nlu.names import loose_key
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse
from taxonaut.workspace.build.tree_preview import find_node
from taxonaut.workspace.workspace import Workspace

try:
    from common import print_table
except ImportError:
    from benchmarks.common import print_table  # type: ignore[no-redef]


@dataclass(frozen=True)
class Answer:
    """What came of one phrasing."""

    row: Mapping[str, Any]
    use: ToolUse | None
    text: str
    right: bool
    arguments: bool | None
    wrong_change: bool
    seconds: float


def main() -> None:
    """Print a line a tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--workspace", type=Path, required=True, help="a workspace with the tree that is talked of"
    )
    parser.add_argument("--phrasings", type=Path, required=True, help="the rows, JSONL")
    parser.add_argument("--part", help="only rows of this part")
    parser.add_argument("--wrong", action="store_true", help="show what went wrong")
    options = parser.parse_args()
    rows = [
        json.loads(line)
        for line in options.phrasings.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    rows = [row for row in rows if options.part in (None, row.get("part"))]
    if not rows:
        sys.exit(f"no rows of part {options.part!r} in {str(options.phrasings)!r}")
    with Workspace.open(options.workspace) as workspace:
        started = time.perf_counter()
        assistant, tools = open_choosing_assistant(workspace), WorkspaceTools(workspace).tools
        answers = asyncio.run(ask(assistant, tools, rows[:1], workspace))
        first = time.perf_counter() - started
        answers = asyncio.run(ask(assistant, tools, rows, workspace))
        report(answers, first)
        if options.wrong:
            show_wrong(answers, assistant)


async def ask(
    assistant: ChoosingAssistant,
    tools: Mapping[str, Tool],
    rows: Sequence[Mapping[str, Any]],
    workspace: Workspace,
) -> list[Answer]:
    """Say each row to the assistant."""
    answers: list[Answer] = []
    for row in rows:
        focus = focus_of(workspace, row.get("focus") or {})
        said = [{"role": "user", "content": row["say"]}]
        started = time.perf_counter()
        turn = await assistant.step(said, focus, tools, lambda _: None)
        seconds = time.perf_counter() - started
        use = turn.uses[0] if turn.uses else None
        chosen = use.name if use else asked_for(turn.decisions)
        right = chosen == row["tool"]
        wanted = row.get("arguments")
        same = (
            None
            if wanted is None
            else use is not None and right and matches(assistant, tools[use.name], use, wanted)
        )
        changes = use is not None and tools[use.name].changes
        answers.append(
            Answer(
                row,
                use,
                turn.text or turn.understood,
                right,
                same,
                changes and not (right and same is not False),
                seconds,
            )
        )
    return answers


def asked_for(decisions: Sequence[Any]) -> str | None:
    """Return the tool that a question back is about."""
    return next((row.choice[0] for row in decisions if row.tool == "choose_tool" and row.choice), None)


def focus_of(workspace: Workspace, given: Mapping[str, Any]) -> Focus:
    """Return a focus; `node` may be the name of a category, `nodes` ids or paths."""
    nodes = [
        node if isinstance(node, int) else find_node(workspace.index, node) for node in given.get("nodes", ())
    ]
    labels = list(given.get("labels", ()))
    if "node" in given:
        place = find_place(workspace.index, given["node"])
        (nodes if isinstance(place, int) else labels).append(place)
    return Focus(given.get("text", ""), tuple(nodes), tuple(labels), given.get("file", ""), given.get("run"))


def matches(assistant: ChoosingAssistant, tool: Tool, use: ToolUse, wanted: Mapping[str, Any]) -> bool:
    """Say whether the arguments that are given are right."""
    for name, value in wanted.items():
        got = use.arguments.get(name)
        if got is None:
            return False
        kind = tool.slots[name].kind if name in tool.slots else "text"
        if kind in ("node", "label") and isinstance(got, int | str) and got != value:
            path = tuple(map(loose_key, path_names(assistant.index, resolve_place(assistant.index, got))))
            steps = tuple(map(loose_key, str(value).split(" > ")))
            if path[-len(steps) :] != steps:
                return False
        elif kind not in ("node", "label", "period") and plain(got) != plain(value):
            return False
    return True


def plain(value: object) -> str:
    """Return a text without case, article and the punctuation around it."""
    words = str(value).casefold().strip(" .,;:!?\"'").split()
    return " ".join(words[1:] if words[:1] and words[0] in ("a", "an", "the") else words)


def report(answers: Sequence[Answer], first: float) -> None:
    """Print a line a tool, and the sum."""
    groups: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[answer.row["tool"] or "(none)"].append(answer)
    rows = [["request", "phrasings", "right tool", "right arguments", "asked back", "wrong change"]]
    rows += [line(name, group) for name, group in groups.items()]
    rows.append(line("all", answers))
    print_table(rows)
    times = sorted(answer.seconds for answer in answers)
    middle, late = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    print(f"\nfirst {first:.2f} s, then median {1000 * middle:.0f} ms, 95 % within {1000 * late:.0f} ms")


def line(name: str, group: Sequence[Answer]) -> list[str]:
    """Return one line of the table."""
    compared = [answer.arguments for answer in group if answer.arguments is not None]
    right = f"{sum(answer.right for answer in group)} ({100 * statistics.mean(a.right for a in group):.0f} %)"
    back = sum(answer.use is None and answer.row["tool"] is not None for answer in group)
    wrong = sum(answer.wrong_change for answer in group)
    return [name, str(len(group)), right, f"{sum(compared)} of {len(compared)}", str(back), str(wrong)]


def show_wrong(answers: Sequence[Answer], assistant: ChoosingAssistant) -> None:
    """Print each phrasing that was not understood."""
    for answer in answers:
        if not answer.right or answer.arguments is False:
            got = (
                f"{answer.use.name} {dict(answer.use.arguments)}"
                if answer.use
                else answer.text.replace("\n", " / ")
            )
            print(
                f"\n{answer.row['say']}\n  wanted {answer.row['tool']} {answer.row.get('arguments', '')}\n  got {got}"
            )


if __name__ == "__main__":
    main()
