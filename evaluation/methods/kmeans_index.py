"""The walk over a k-means index of the same labels (XMC-Agent 4.2.1), which stands in a scratch workspace."""

from collections.abc import Sequence

from taxonaut.evaluation import scratch
from taxonaut.evaluation.methods.method import MethodSettings, OnDone, Outcome
from taxonaut.evaluation.methods.walks import walked
from taxonaut.state.records import Item
from taxonaut.workspace.workspace import Workspace


async def kmeans_index(
    workspace: Workspace, items: Sequence[Item], settings: MethodSettings, on_done: OnDone | None
) -> Outcome:
    """Walk a k-means index under the same policy as `navigate`; the workspace's own index is not touched.

    The index is built once and kept in the workspace's folder `scratch/`.
    """
    scratch.remember(workspace)
    labels = scratch.plain_labels(workspace)
    path = scratch.folder(workspace, "whole-kmeans", labels, settings.build)
    with scratch.opened(workspace, path) as other:
        await scratch.build(other, labels, "kmeans", settings.build)
        return await walked(other, items, settings, {}, on_done)
