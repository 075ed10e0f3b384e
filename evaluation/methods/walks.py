"""Methods that run the walk, or its second half: the general expert over the results of exact search."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.evaluation import scratch
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import collect_outcome
from taxonaut.state.records import Item
from taxonaut.workspace.workspace import Workspace


async def navigate(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk as `classify` does, with the workspace's settings and the method's options."""
    return await run_walk(workspace, items, settings, {})


async def tree(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk, and rank the labels of the walk alone."""
    return await run_walk(workspace, items, settings, {"shortlist": "tree"})


async def both(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk, add the labels of exact search, and rank."""
    return await run_walk(workspace, items, settings, {"shortlist": "both"})


async def shortlist(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the general expert rank the top labels of exact search (XMC-Agent 4.2.1, Faiss top 500).

    A language model reads all of them in one request. Option: `size`.
    """
    size = settings.own_number("size", settings.shortlist)
    flat = workspace.with_walk(shortlist="dense", dense=size, candidates=0, top=settings.depth, min_score=0.0)
    return await collect_outcome(flat.classification(), items)


async def run_walk(
    workspace: Workspace,
    items: Sequence[Item],
    settings: MethodSettings,
    walk: Mapping[str, Any],
) -> Outcome:
    """Classify with `walk` settings, overridden by the method's options."""
    least = workspace.config.walk.min_score or 0.0  # a ranking is measured: by default nothing is left out
    changed = workspace.with_walk(**{"top": settings.depth, "min_score": least, **walk, **settings.own})
    return await collect_outcome(changed.classification(), items)


async def kmeans_index(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk a k-means index under the same policy as `navigate`.

    The index is built once, in a scratch workspace; the workspace's own index is not changed.
    """
    scratch.cache_vectors(workspace)
    labels = scratch.flat_labels(workspace)
    path = scratch.workspace_path(workspace, "whole-kmeans", labels, settings.build)
    with scratch.open_workspace(workspace, path) as other:
        await scratch.build_tree(other, labels, "kmeans", settings.build)
        return await run_walk(other, items, settings, {})
