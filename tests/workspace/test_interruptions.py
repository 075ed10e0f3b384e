"""Killed and interrupted in the middle of `classify`: nothing finished is lost, nothing answered is asked twice."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Item, Workspace
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import ItemResult, Label, Tree, TreeNode

pytestmark = pytest.mark.slow

CONCURRENCY = 8
ANSWERS = 30
"""How many are given before the process is stopped."""
ITEMS = [Item(ItemId(f"i{number}"), f"BEHAVE:vary text number {number}") for number in range(30)]
BRANCHES, LABELS = 6, 3

CLASSIFY = """
import sys
from taxonaut import Item, Workspace
items = [Item(f"i{number}", f"BEHAVE:vary text number {number}") for number in range(30)]
try:
    with Workspace.open(sys.argv[1]) as workspace:
        workspace.classify(items)
except KeyboardInterrupt:
    sys.exit(130)
"""


def make(folder: Path, url: str) -> None:
    """Make a workspace whose agents ask the server; its embedder does not exist, so nothing may open it."""
    with Workspace.init(folder) as workspace:
        places = [(node, LabelId(f"{node}.{at}")) for node in range(1, BRANCHES + 1) for at in range(LABELS)]
        workspace.index.add_labels([Label(label, f"label {label}") for _, label in places])
        nodes = tuple(TreeNode(node, f"branch {node}") for node in range(1, BRANCHES + 1))
        edges = tuple((0, node.key) for node in nodes)
        workspace.index.load_tree(Tree("drawn", nodes, edges, tuple(places)))
    role = f'model = "hosted_vllm/test"\napi_base = "{url}"\nconcurrency = {CONCURRENCY}\nbackoff_s = 0\n'
    (folder / "taxonaut.toml").write_text(
        '[embeddings]\nmodel = "gguf/there-is-no-such-model"\n'
        f"[models.navigator]\n{role}[models.general_expert]\n{role}"
        '[walk]\nshortlist = "tree"\ncandidates = 0\nbatch = 20\n',
        encoding="utf-8",
    )


def classify(folder: Path) -> list[ItemResult]:
    with Workspace.open(folder) as workspace:
        results = workspace.classify(ITEMS)
        assert workspace.wiring.embedders == {}
        return results


def events(log: Path) -> Iterator[tuple[str, str]]:
    for line in log.read_text().splitlines():
        row = json.loads(line)
        yield row["event"], row["key"]


def keys(log: Path, event: str) -> list[str]:
    return [key for name, key in events(log) if name == event]


def interrupted(folder: Path, server: Any, answers: int, how: signal.Signals) -> tuple[int, str]:
    """Classify in a process that gets a signal once the server has given so many answers."""
    command = [sys.executable, "-W", "error", "-c", CLASSIFY, str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            server.wait(f"answered={answers}")
        except BaseException:
            process.kill()
            raise
        process.send_signal(how)
        _, errors = process.communicate()
    server.wait("in_flight=0")
    return process.returncode, errors


@pytest.fixture(scope="module")
def undisturbed(
    start_servers: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[ItemResult], set[str]]:
    """What comes of the texts when nothing happens, and the questions that takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    make(folder / "workspace", start_servers(log=folder / "log.jsonl").url)
    return classify(folder / "workspace"), set(keys(folder / "log.jsonl", "asked"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_next_run_goes_on_where_it_was_stopped(
    start_server: Any, undisturbed: tuple[list[ItemResult], set[str]], tmp_path: Path, how: signal.Signals
) -> None:
    log = tmp_path / "log.jsonl"
    server = start_server(delay=0.05, log=log)
    folder = tmp_path / "workspace"
    make(folder, server.url)

    code, errors = interrupted(folder, server, ANSWERS, how)
    assert (code, errors) == ((-signal.SIGKILL, "") if how is signal.SIGKILL else (130, ""))
    asked, answered = keys(log, "asked"), keys(log, "answered")
    assert ANSWERS <= len(answered) <= len(asked) <= ANSWERS + 4 * CONCURRENCY
    assert len(set(asked)) == len(asked)

    results = classify(folder)
    again = keys(log, "asked")[len(asked) :]
    assert len(set(again) & set(answered)) <= CONCURRENCY
    assert len(set(again)) == len(again)
    assert [result.item_id for result in results] == [item.id for item in ITEMS]
    assert not any(result.error for result in results)

    before = server.stats()
    assert classify(folder) == results
    assert server.stats() == before

    assert (results, set(asked) | set(again)) == undisturbed
