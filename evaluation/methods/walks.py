"""Methods that are walks, or the second half of one: the general expert over what exact search finds."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.evaluation import scratch
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import outcome
from taxonaut.state.records import Item
from taxonaut.workspace.workspace import Workspace


async def navigate(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk as `classify` does, under the workspace's settings and those beside the method's name."""
    return await walked(workspace, items, settings, {})


async def tree(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk, and rank what the walk alone found."""
    return await walked(workspace, items, settings, {"shortlist": "tree"})


async def both(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk, join what exact search finds, and rank."""
    return await walked(workspace, items, settings, {"shortlist": "both"})


async def shortlist(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the general expert rank all of the labels that exact search finds (XMC-Agent 4.2.1, Faiss top 500).

    A language model reads all of them in one request.
    """
    size = settings.own_number("size", settings.shortlist)
    flat = workspace.with_walk(shortlist="dense", dense=size, candidates=0, top=settings.depth)
    return await outcome(flat.classification(), items)


async def walked(
    workspace: Workspace,
    items: Sequence[Item],
    settings: MethodSettings,
    walk: Mapping[str, Any],
) -> Outcome:
    """Label with a walk; what a person wrote beside the method's name wins."""
    changed = workspace.with_walk(**{"top": settings.depth, **walk, **settings.own})
    return await outcome(changed.classification(), items)


async def kmeans_index(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Walk a k-means index under the same policy as `navigate`; the workspace's own index is not touched.

    The index is built once and kept in the workspace's folder `scratch/`.
    """
    scratch.remember(workspace)
    labels = scratch.plain_labels(workspace)
    path = scratch.folder(workspace, "whole-kmeans", labels, settings.build)
    with scratch.opened(workspace, path) as other:
        await scratch.build(other, labels, "kmeans", settings.build)
        return await walked(other, items, settings, {})
