"""The screens of the tree and of its changes."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.routes import change_routes, outline_routes
from taxonaut.server.service import Served
from taxonaut.state.index.shape import ROOT

router = APIRouter(include_in_schema=False)

FIRST_ROWS = 60
FIRST_CHANGES = 50


@router.get("/tree")
def tree(request: Request, service: Served) -> HTMLResponse:
    """Show the tree; the script opens it down to the `label` or `node` of the address."""
    data = outline_routes.outline(service, ROOT, 0, FIRST_ROWS, [], "")
    has_labels = bool(service.workspace.index.labels_after(None, 1))
    return render(
        request,
        service,
        "tree.html",
        "Tree",
        json_url=f"/api/outline/{ROOT}",
        data=data,
        has_labels=has_labels,
    )


@router.get("/changes")
def changes(request: Request, service: Served) -> HTMLResponse:
    """Show the log of changes, and what differs between two of its moments."""
    data = change_routes.log(service, FIRST_CHANGES, "")
    return render(request, service, "changes.html", "Changes", json_url="/api/changes", data=data)
