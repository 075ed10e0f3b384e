"""What several folders of tests share: a small index and a local model server.

Nothing of ours is imported at the top: this module outlives the tests, and with it whatever it holds.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from taxonaut.state.db.connection import Database
    from taxonaut.state.index.index import Index

pytest_plugins = ["headless", "tiny_encoders"]

SERVER = Path(__file__).parent / "servers" / "openai_server.py"


def pytest_configure() -> None:
    """Set Hypothesis up, and let Ctrl-C be tested."""
    # How long an example takes to draw says more of the machine than of the test.
    examples = int(os.environ.get("TAXONAUT_EXAMPLES", settings.default.max_examples))
    settings.register_profile(
        "busy", deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("busy")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background jobs ignore Ctrl-C and hand that down; the tests of Ctrl-C need it.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_confirmations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers that tests write into settings are confirmed, and no confirmation of the user's takes part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAXONAUT_TRUST", "1")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def pytest_sessionfinish() -> None:
    """Take Hypothesis's hook off the garbage collector, which keeps modules alive until after Python's end.

    DuckDB's bindings are among them, and would report everything they ever made as leaked.
    """
    gc.callbacks[:] = [hook for hook in gc.callbacks if not hook.__module__.startswith("hypothesis")]


class LocalServer:
    """The server of tests/servers in a process of its own."""

    def __init__(self, delay: float = 0.0, log: Path | None = None, *, count: bool = False) -> None:
        command = [sys.executable, *([] if count else ["-S"]), str(SERVER), "--delay", str(delay)]
        if log is not None:
            command += ["--log", str(log)]
        if count:
            command += ["--count"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.url = f"{self.address}/v1"

    def get(self, path: str, patience_s: float = 60) -> dict[str, Any]:
        with urllib.request.urlopen(self.address + path, timeout=patience_s) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def stats(self) -> dict[str, Any]:
        """What it was asked since the last `reset`."""
        return self.get("/stats")

    def wait(self, what: str) -> dict[str, Any]:
        """Return once it is so: `answered=5`, `in_flight=0`. A process that asks may be slow to start."""
        return self.get(f"/wait?{what}", patience_s=240)

    def reset(self) -> None:
        self.get("/reset")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def running_server() -> Iterator[LocalServer]:
    server = LocalServer()
    yield server
    server.close()


@pytest.fixture
def server(running_server: LocalServer) -> LocalServer:
    """A model server that has seen nothing yet."""
    running_server.reset()
    return running_server


@pytest.fixture
def start_server() -> Iterator[Any]:
    """Start servers with a delay, a log or counted tokens of their own."""
    yield from starting()


@pytest.fixture(scope="module")
def start_servers() -> Iterator[Any]:
    """Start servers that the tests of a file share."""
    yield from starting()


def starting() -> Iterator[Any]:
    started: list[LocalServer] = []

    def start(delay: float = 0.0, log: Path | None = None, *, count: bool = False) -> LocalServer:
        started.append(LocalServer(delay, log, count=count))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def database() -> "Iterator[Database]":
    from taxonaut.state.db.connection import Database

    with Database.in_memory() as opened:
        yield opened


@pytest.fixture
def index(database: "Database") -> "Index":
    """Root (gift) > Clothes (scarf), Sports; both > Shoes (shoes, boots); Sports > Balls (ball, puck).

    Shoes, itself a label, stand under two nodes; one label lies in the root, one in an inner node. The
    nodes' ids are 2 to 5 in this order.
    """
    from taxonaut.state.ids import LabelId
    from taxonaut.state.index.index import Index
    from taxonaut.state.records import Label, Tree, TreeNode

    texts = {
        "gift": ("Gift cards", ""),
        "scarf": ("Scarves", ""),
        "shoes": ("Shoes", "worn on the feet"),
        "boots": ("Boots", ""),
        "ball": ("Footballs", ""),
        "puck": ("Pucks", ""),
    }
    nodes = (
        TreeNode(1, "Clothes", "what one wears", examples=("Boots", "Scarves")),
        TreeNode(2, "Sports"),
        TreeNode(3, "Shoes", label_id=LabelId("shoes")),
        TreeNode(4, "Balls"),
    )
    places = ((0, "gift"), (1, "scarf"), (3, "shoes"), (3, "boots"), (4, "ball"), (4, "puck"))
    made = Index(database)
    made.add_labels([Label(LabelId(id_), name, about) for id_, (name, about) in texts.items()])
    made.load_tree(
        Tree(
            "drawn",
            nodes,
            ((0, 1), (0, 2), (1, 3), (2, 3), (2, 4)),
            tuple((node, LabelId(label)) for node, label in places),
        )
    )
    return made
