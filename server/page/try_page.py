"""The page that tries a text or a file."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.service import Served
from taxonaut.state.ids import ItemId

router = APIRouter(include_in_schema=False)

EXAMPLES = 3
LONGEST_EXAMPLE = 160


@router.get("/try")
def try_screen(request: Request, service: Served) -> HTMLResponse:
    """Show the form; the script asks for the text of the address."""
    workspace = service.workspace
    examples = [item.text for item in workspace.items.after(ItemId(""), EXAMPLES * 4) if item.text.strip()]
    if not examples:
        examples = [label.name for label in workspace.index.labels_after(None, EXAMPLES)]
    return render(
        request,
        service,
        "try.html",
        "Try",
        json_url="/api/try?text=",
        examples=[text[:LONGEST_EXAMPLE] for text in examples[:EXAMPLES]],
        has_labels=bool(workspace.index.labels_after(None, 1)),
        has_tree=workspace.index.tree_method() != "empty",
    )
