"""The walk over a workspace's index, with its own agents or the caller's: as a graph, or to be run as it is."""

from typing import TYPE_CHECKING, Any

from taxonaut.agents.roles import Navigates, Ranks, Retrieves
from taxonaut.graphs.navigate import Guides, Walk, build_walk_graph
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.models.catalog import ENCODER
from taxonaut.workspace.core.core import Core

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


def prepare_walk(
    workspace: Core,
    policy: WalkPolicy | None = None,
    *,
    rank: bool = True,
    navigator: Navigates | None = None,
    expert: Ranks | None = None,
    retriever: Retrieves | None = None,
    guide: Guides | None = None,
) -> Walk:
    """Return the walk; agents that are not given are the workspace's own.

    Without `rank` it ends with the shortlists. Models of given agents are not opened; a retriever is made only if
    the policy or an encoder agent needs one.
    """
    policy, wiring, models = policy or workspace.policy(), workspace.wiring, workspace.config.models
    own = []
    if navigator is None:
        navigator = wiring.navigator()
        own.append(models.navigator)
    if not rank:
        expert = None
    elif expert is None:
        expert = wiring.general_expert()
        own.append(models.general_expert)
    if retriever is None and (policy.needs_retriever or any(role.provider == ENCODER for role in own)):
        retriever = wiring.retriever()
    return Walk(workspace.index, navigator, expert, retriever, policy, guide)


def walk_graph(
    workspace: Core,
    policy: WalkPolicy | None = None,
    *,
    rank: bool = True,
    navigator: Navigates | None = None,
    expert: Ranks | None = None,
    retriever: Retrieves | None = None,
    guide: Guides | None = None,
) -> "StateGraph[Any, Any, Any, Any]":
    """Return `prepare_walk` as an uncompiled graph."""
    return build_walk_graph(
        prepare_walk(
            workspace, policy, rank=rank, navigator=navigator, expert=expert, retriever=retriever, guide=guide
        )
    )
