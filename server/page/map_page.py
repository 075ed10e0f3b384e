"""The page with the map of items and labels."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.service import Served

router = APIRouter(include_in_schema=False)


@router.get("/map")
def map_screen(request: Request, service: Served) -> HTMLResponse:
    """Show the frame of the map; the script draws it."""
    return render(
        request,
        service,
        "map.html",
        "Map",
        json_url="/api/map",
        items=len(service.workspace.items),
        labels=service.workspace.index.stats().labels,
    )
