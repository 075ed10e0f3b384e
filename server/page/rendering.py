"""Rendering of pages: Jinja with everything escaped, and the same data as JSON."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel
from starlette.responses import HTMLResponse

from taxonaut.server.service import Service
from taxonaut.state.version import VERSION

STATIC = Path(str(resources.files("taxonaut.server.page"))) / "static"

SCREENS = (
    ("/", "Home", "h"),
    ("/tree", "Tree", "t"),
    ("/try", "Try", "y"),
    ("/review", "Review", "r"),
    ("/changes", "Changes", "c"),
    ("/runs", "Runs", "u"),
    ("/measures", "Measures", "m"),
    ("/map", "Map", "p"),
    ("/chat", "Chat", "a"),
)
"""Address, name and key (after `g`) of each screen."""


@cache
def environment() -> Environment:
    """Return the templates of the pages; what is put into them is escaped."""
    made = Environment(
        loader=PackageLoader("taxonaut.server.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["grouped"] = lambda number: f"{number:,}"
    return made


def render(
    request: Request,
    service: Service,
    template: str,
    title: str,
    *,
    json_url: str,
    data: BaseModel | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return a page. `json_url` is where the API has the same as JSON, `data` that answer."""
    page = environment().get_template(template)
    text = page.render(
        title=title,
        screens=SCREENS,
        here=request.url.path,
        json_url=json_url,
        data=data,
        workspace=service.workspace.folder.resolve().name,
        may_change=service.access.knows(request.headers),
        version=VERSION,
        **context,
    )
    return HTMLResponse(text)


def sign_in_page() -> str:
    """Return the page that asks for the token, where the service answers to other machines."""
    return environment().get_template("sign_in.html").render()
