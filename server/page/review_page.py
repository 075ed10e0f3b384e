"""The screens of work: the review, the runs and jobs, and what was measured."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.pages import MOST
from taxonaut.server.routes import job_routes, measure_routes, review_routes
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


@router.get("/runs")
def runs(request: Request, service: Served) -> HTMLResponse:
    """Show jobs and runs; the script follows what is running."""
    found = job_routes.runs(service, MOST, "")
    return render(request, service, "runs.html", "Runs", json_url="/api/runs", data=found)


@router.get("/measures")
def measures(request: Request, service: Served) -> HTMLResponse:
    """Show what was measured; the script draws it."""
    found = measure_routes.measures(service)
    return render(request, service, "measures.html", "Measures", json_url="/api/measures", data=found)
