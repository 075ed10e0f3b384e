"""The documentation of the API as a page: its paths, what they take and give, and a form to try each."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

router = APIRouter(prefix="/api", include_in_schema=False)

_FILES = files("taxonaut.server") / "api_docs"


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


@router.get("/docs")
def page() -> HTMLResponse:
    """Return the page."""
    return HTMLResponse(_read("docs.html"))


@router.get("/docs/docs.js")
def script() -> Response:
    """Return its script."""
    return Response(_read("docs.js"), media_type="text/javascript")


@router.get("/docs/docs.css")
def style() -> Response:
    """Return its style."""
    return Response(_read("docs.css"), media_type="text/css")
