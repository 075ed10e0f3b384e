"""The addresses of the pages."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.server.page.rendering import render
from taxonaut.server.routes import home_routes
from taxonaut.server.service import Served

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request, service: Served) -> HTMLResponse:
    """Show what the workspace holds, and what to do next."""
    return render(request, service, "home.html", "Home", json_url="/api/home", data=home_routes.home(service))
