"""The screen of a review: one item at a time, a key a decision."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.routes import review_routes
from taxonaut.server.service import Served

router = APIRouter(include_in_schema=False)


@router.get("/review")
def review(request: Request, service: Served) -> HTMLResponse:
    """Show the queue's counts; the script asks who reviews and gets the items."""
    data = review_routes.summary(service)
    open_items = sum(count for count, _ in data.lists.values())
    return render(
        request,
        service,
        "review.html",
        "Review",
        json_url="/api/review/summary",
        data=data,
        open_items=open_items,
        labelled=len(service.workspace.ledger),
    )
