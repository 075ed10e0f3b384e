"""The walk as a graph over a workspace's index and agents, or over agents of a person's own."""

from typing import TYPE_CHECKING, Any

from taxonaut.graphs.policies import WalkPolicy
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.core import Core

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

AGENTS = ("navigator", "expert", "retriever", "guide")
"""What `walk_graph` takes in place of the workspace's own."""


def walk_graph(
    workspace: Core, policy: WalkPolicy | None, *, rank: bool, **agents: Any
) -> "StateGraph[Any, Any, Any, Any]":
    """Return the walk, uncompiled; models of agents that are given in `agents` are not opened."""
    from taxonaut.graphs.navigate import navigate

    if unknown := sorted(set(agents) - set(AGENTS)):
        raise InputError(f"a walk has no {unknown[0]!r}; it has {', '.join(AGENTS)}")
    policy, wiring = policy or workspace.policy(), workspace.wiring
    if "navigator" not in agents:
        agents["navigator"] = wiring.navigator()
    if "retriever" not in agents and (workspace.compares_vectors or policy.needs_retriever):
        agents["retriever"] = wiring.retriever()
    if not rank:
        agents["expert"] = None
    elif "expert" not in agents:
        agents["expert"] = wiring.general_expert()
    return navigate(workspace.index, policy=policy, **agents)
