"""The walk as a graph over a workspace's index, with its own agents or the caller's."""

from typing import TYPE_CHECKING, Any

from taxonaut.agents.roles import Navigates, Ranks, Retrieves
from taxonaut.graphs.navigate import Guides, navigate
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.models.catalog import ENCODER
from taxonaut.workspace.core.core import Core

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


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
    """Return the walk, uncompiled; agents that are not given are the workspace's own.

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
    return navigate(workspace.index, navigator, expert, retriever, policy, guide)
