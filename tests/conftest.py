"""What several folders of tests share: a small index and a local model server.

Nothing of ours is imported at the top: this module outlives the tests, and with it whatever it holds.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from local_server import LocalServer

if TYPE_CHECKING:
    from taxonaut.state.db.connection import Database
    from taxonaut.state.index.index import Index

pytest_plugins = ["headless", "tiny_encoders"]


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
