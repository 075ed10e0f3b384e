"""The screens of the tree and of its changes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.routes import change_routes, outline_routes
from taxonaut.server.service import Served
from taxonaut.state.index.shape import ROOT

router = APIRouter(include_in_schema=False)

FIRST_ROWS = 60
FIRST_CHANGES = 50

Asked = Annotated[str, Query(max_length=20_000)]


@router.get("/tree")
def tree(request: Request, service: Served, label: Asked = "", node: Asked = "") -> HTMLResponse:
    """Show the tree; the script opens it down to `label` or `node`."""
    data = outline_routes.outline(service, ROOT, 0, FIRST_ROWS, [], "")
    return render(request, service, "tree.html", "Tree", json_url=f"/api/outline/{ROOT}", data=data)


@router.get("/changes")
def changes(request: Request, service: Served) -> HTMLResponse:
    """Show the log of changes, and what differs between two of its moments."""
    data = change_routes.log(service, FIRST_CHANGES, "")
    version = service.workspace.index.version()
    return render(
        request, service, "changes.html", "Changes", json_url="/api/changes", data=data, version_now=version
    )
