"""A workspace that was closed is let go of, whatever graph ran in it."""

import gc
import weakref
from pathlib import Path
from typing import Any

from taxonaut import Workspace


class Node:
    """What a graph's node is: a method of something that knows the index."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def run(self, state: Any) -> Any:
        return self.index, state


def test_a_closed_workspace_is_let_go_of(tmp_path: Path) -> None:
    from langchain_core.runnables.utils import get_function_nonlocals

    workspace = Workspace.init(tmp_path / "w")
    index = weakref.ref(workspace.index)
    get_function_nonlocals(Node(workspace.index).run)
    workspace.close()
    del workspace
    gc.collect()
    assert index() is None
