"""Run a graph to its end; LangSmith sees it only where taxonaut.toml says so."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

RECURSION_LIMIT = 1_000_000
"""LangGraph's limit of super-steps, out of reach: breadth-first a level is one, depth-first a node."""


@contextmanager
def langsmith_tracing(enabled: bool) -> Iterator[None]:
    """Set whether what runs in the block is traced to LangSmith, whatever the environment says.

    Nothing is where LangChain is not loaded.
    """
    if not enabled and "langchain_core" not in sys.modules:
        yield
        return
    from langsmith import tracing_context

    with tracing_context(enabled=enabled):
        yield


async def run_graph(
    graph: "CompiledStateGraph[Any, Any, Any, Any]", given: Mapping[str, Any], *, traced: bool
) -> Mapping[str, Any]:
    """Run a compiled graph on its input and return its state. `traced`: `[tracing] langsmith` of the workspace."""
    with langsmith_tracing(traced):
        state: Mapping[str, Any] = await graph.ainvoke(given, {"recursion_limit": RECURSION_LIMIT})
    return state
