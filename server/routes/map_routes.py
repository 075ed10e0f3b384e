"""Maps: items or labels on a plane, drawn by a job and kept."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.workspace.vocabulary.item_map import ItemMap, Of, basis, load_map, stale_reasons

router = APIRouter(prefix="/api", tags=["map"], responses=RESPONSES)


class MapAnswer(BaseModel):
    """The map that is kept, null for none, and what has changed since; a job of kind `map` draws it.

    `points`: how many items, or labels, there are to draw.
    """

    of: Of
    points: int
    stale: list[str]
    map: ItemMap | None


@router.get("/map")
def read_map(service: Served, of: Annotated[Of, Query()] = "items") -> MapAnswer:
    """Show the map of items, or of labels."""
    workspace = service.workspace
    drawn = load_map(workspace.folder, of)
    points = len(workspace.items) if of == "items" else workspace.index.stats().labels
    stale = [] if drawn is None else stale_reasons(drawn, basis(workspace, of))
    return MapAnswer(of=of, points=points, stale=stale, map=drawn)
