"""Candidate generation alone: the walk's shortlists without ranking, to measure their recall."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.graphs.navigate import first_errors
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Item
from taxonaut.state.updates import Progress, tell
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import batched
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.walk.classification import STAGE
from taxonaut.workspace.walk.walk_graph import walk_graph


@dataclass(frozen=True, slots=True)
class ShortlistResult:
    """One item's shortlist, best label first.

    `opened`: the opened nodes in order. `requests`: the navigator's decisions; dense retrieval makes none.
    `error`: the first error of a decision, else empty.
    """

    item_id: ItemId
    labels: tuple[LabelId, ...]
    opened: tuple[NodeId, ...]
    requests: int
    error: str = ""


async def shortlists(workspace: Core, items: Sequence[Item]) -> list[ShortlistResult]:
    """Walk all items without ranking; return the shortlists in the items' order.

    Labels are sorted by the score that docs/walk.md defines. Only language model replies are stored: the same call
    again repeats no request.
    """
    workspace.check_walkable()
    graph = walk_graph(workspace, rank=False).compile()
    results: dict[ItemId, ShortlistResult] = {}
    for batch in batched((item for item in items if item.text.strip()), workspace.batch):
        found = await run_graph(graph, {"items": batch}, traced=workspace.config.tracing.langsmith)
        requests = Counter(decision.item_id for decision in found["decisions"])
        errors = first_errors(found["decisions"])
        for item, shortlist in found["shortlists"].items():
            opened = tuple(way.node for way in found["trails"][item].opened)
            results[item] = ShortlistResult(
                item, tuple(shortlist), opened, requests[item], errors.get(item, "")
            )
        tell(Progress(STAGE, len(results)))
    return [results.get(item.id) or ShortlistResult(item.id, (), (), 0) for item in items]
