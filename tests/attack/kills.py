"""Commands killed at random moments: the workspace is readable, and the same command comes to the same end.

Each round copies a workspace and gives the commands until they end; the first is undisturbed. Models are the local
server of tests/servers, so that requests that were repeated are counted.
"""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)
import shop_expert
import talk_kills
from attack.report import Report
from fakes import things, word_embedder
from killing import kill_repeatedly, succeeds
from local_server import LocalServer

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.graphs import (  # noqa: F401  (loaded once, before the forks)
    assign_vocabulary,
    build_index,
    build_vocabulary,
    categorize,
    insert_labels,
    navigate,
)
from taxonaut.models.llm import client, gateway
from taxonaut.workspace.files.index_formats.index_jsonl import jsonl_lines
from taxonaut.workspace.workspace import Workspace

CONCURRENCY = 2
"""So many requests are in flight at most, and may be repeated after a kill."""

SIGNALS = (signal.SIGKILL, signal.SIGTERM)
DELAY_S = 0.01


@dataclass(frozen=True)
class Flow:
    """Commands that are killed. `before` makes their workspace; `settings` are added to its taxonaut.toml."""

    name: str
    before: Callable[[Path], None]
    commands: tuple[tuple[str, ...], ...]
    settings: str = ""
    behaviour: str = "agents"


def run(count: int, seed: int, folder: Path, report: Report) -> None:
    """Kill so many processes, as many of each flow."""
    client.litellm()
    assert gateway
    shares = [count // (len(FLOWS) + 1)] * len(FLOWS)
    shares += [count - sum(shares)]
    for flow, kills in zip(FLOWS, shares, strict=False):
        place = folder / flow.name.replace(" ", "-")
        place.mkdir()
        if kills:
            kill_flow(report, flow, kills, seed, place)
    if shares[-1]:
        kill_talk(report, shares[-1], seed, folder / "chat")


def kill_flow(report: Report, flow: Flow, kills: int, seed: int, folder: Path) -> None:
    """Kill the commands of a flow, and note what was lost."""
    base, place, log = folder / "base", folder / "round", folder / "log.jsonl"
    server = LocalServer(DELAY_S, log)

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(base, place)
        settings = settings_of(flow, server.url, flow.behaviour)
        (place / "w" / "taxonaut.toml").write_text(settings, encoding="utf-8")
        with log.open("a", encoding="utf-8") as file:
            file.write('{"event": "round"}\n')

    def make() -> None:
        base.mkdir()
        (base / "taxonaut.toml").write_text(settings_of(flow, server.url, "agents"), encoding="utf-8")
        flow.before(base)

    try:
        if not succeeds(make):
            return report.lose(flow.name, "its workspace could not be made")
        found = kill_repeatedly(
            prepare,
            lambda _: [command(place, *arguments) for arguments in flow.commands],
            lambda _: outcome(place),
            folder / "answer.json",
            kills=kills,
            seed=seed,
            signals=SIGNALS,
            check=lambda: command(place, "index", "stats", "--json"),
        )
    finally:
        server.close()
    answered = count_answers(log)
    repeated = sum(times - 1 for times in answered.values())
    different = sum(each != found.outcomes[0] for each in found.outcomes)
    report.count(
        flow.name,
        killed=found.kills,
        by_TERM=found.terminated,
        rounds=found.rounds,
        requests=len(answered),
        repeated=repeated,
        at_most=CONCURRENCY * found.kills,
    )
    for _ in range(found.unreadable):
        report.lose(flow.name, "a workspace could not be read after a kill")
    for _ in range(different):
        report.lose(flow.name, "a round came to another end than the undisturbed one")
    if repeated > CONCURRENCY * found.kills:
        report.lose(flow.name, f"{repeated} requests were repeated")
    return None


def kill_talk(report: Report, kills: int, seed: int, folder: Path) -> None:
    """Kill each turn of a conversation that changes the index: a change is made once, the history is whole."""
    found = talk_kills.main(folder, kills, seed)
    report.count("chat with changes", killed=kills, rounds=kills)
    if found["found"] != found["expected"]:
        report.lose("chat with changes", f"{found['found']} in place of {found['expected']}")
    if not found["history_whole"]:
        report.lose("chat with changes", "the history is not whole")


def count_answers(log: Path) -> Counter[tuple[int, str]]:
    """How often the server answered each request of each round."""
    found, number = Counter[tuple[int, str]](), 0
    for line in log.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        number += row["event"] == "round"
        if row["event"] == "answered" and number:
            found[number, row["key"]] += 1
    return found


def settings_of(flow: Flow, url: str, behaviour: str) -> str:
    """A taxonaut.toml whose roles are at the local server, which behaves so."""
    roles = "".join(
        f'[models.{role}]\nmodel = "hosted_vllm/test"\napi_base = "{url}"\nconcurrency = {CONCURRENCY}\n'
        for role in ("navigator", "general_expert", "architect", "annotator")
    )
    return f'[task]\ndescription = "BEHAVE:{behaviour}"\n{roles}{flow.settings}'


def command(folder: Path, *arguments: str) -> None:
    """Give a command in a folder with a workspace `w`; it must succeed."""
    os.chdir(folder)
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    objects = GlobalOptions(
        embedder=word_embedder(32, fading=True), classifier=shop_expert.WordExpert(), quiet=True
    )
    try:
        app([*arguments, "-w", "w"], obj=objects)
    except SystemExit as end:
        if end.code not in (0, None):
            raise RuntimeError(f"{arguments}: exit code {end.code}") from None


def outcome(folder: Path) -> Any:
    """What is there in the end: the index, the files that were written, and nothing else next to them."""
    with Workspace.open(folder / "w", embedder=word_embedder(32, fading=True)) as workspace:
        lines = list(jsonl_lines(workspace.index.snapshot()))
        changes = len(workspace.index.events.changes())
    files = {
        path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()
    }
    inside = sorted(path.name for path in (folder / "w").iterdir() if path.suffix != ".wal")
    return [lines, changes, files, inside]


# The flows

KINDS = ("fox", "oak", "bee", "elm")
BUILD = "[build]\ncentres = 3\nterminal_size = 7\n"
VOCABULARY = """[vocabulary]
categories = 4
split_threshold = 8
per_descriptor = 2
anomaly_threshold = 3
items_per_request = 4
sample = 12
"""


def table(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def write_files(folder: Path) -> None:
    """Write the files that commands read."""
    table(folder / "labels.csv", "id,name", [f"{k}{n},{k} {k}{n}" for k in KINDS for n in range(8)])
    table(folder / "more.csv", "id,name", [f"{k}x{n},{k} {k}x{n}" for k in KINDS for n in range(3)])
    new = [f"{k}{n},{k} {k}{n}{' red' * (n == 1)}" for k in KINDS for n in range(1, 10)]
    table(folder / "new.csv", "id,name", new)
    table(folder / "texts.csv", "id,text", [f"{n},boots for tents number {n}" for n in range(24)])
    items = [f"{each.id},{each.text}" for each in things()]
    table(folder / "things.csv", "id,text", items[:40])
    table(folder / "later.csv", "id,text", items[40:])


def empty(folder: Path) -> None:
    """An empty workspace."""
    write_files(folder)
    (folder / "w").mkdir()
    (folder / "taxonaut.toml").rename(folder / "w" / "taxonaut.toml")
    command(folder, "init", "w")


def with_labels(folder: Path) -> None:
    """A workspace with labels, without a tree."""
    empty(folder)
    command(folder, "labels", "import", "labels.csv")


def with_tree(folder: Path) -> None:
    """A workspace with labels in a tree that agents built."""
    with_labels(folder)
    command(folder, "index", "build", "--method", "agents")


def with_expert(folder: Path) -> None:
    """A workspace with five categories and a trained expert."""
    empty(folder)
    (folder / "shop.csv").write_text(shop_expert.LABELS, encoding="utf-8")
    command(folder, "labels", "import", "shop.csv")
    with Workspace.open(folder / "w", trust=True) as workspace:
        shop_expert.train(workspace)


FLOWS = (
    Flow(
        "classify",
        with_tree,
        (("classify", "texts.csv", "-o", "out.jsonl"),),
        '[walk]\nshortlist = "tree"\ncandidates = 0\nbatch = 3\n' + BUILD,
        "vary",
    ),
    Flow("index build", with_labels, (("index", "build", "--method", "agents"),), BUILD),
    Flow("labels add", with_tree, (("labels", "add", "more.csv"),), BUILD),
    Flow("labels update", with_tree, (("labels", "update", "new.csv", "--yes"),), BUILD),
    Flow(
        "vocabulary build and assign",
        empty,
        (("vocabulary", "build", "things.csv"), ("vocabulary", "assign", "later.csv", "-o", "out.jsonl")),
        VOCABULARY,
    ),
    Flow(
        "categorize",
        with_expert,
        (("categorize", "texts.csv", "--everything", "-o", "out.csv"),),
        behaviour="vary",
    ),
)
