"""The service as an ASGI application: its paths, behind the guard."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from taxonaut.server.access import Access, Guard, Limits
from taxonaut.server.chats import Chats
from taxonaut.server.jobs.job_manager import JobManager
from taxonaut.server.mcp.mcp_server import mcp_app
from taxonaut.server.page import chat_page, map_page, page_routes, review_page, tree_page, try_page
from taxonaut.server.page.rendering import STATIC, sign_in_page
from taxonaut.server.problems import answer_problems
from taxonaut.server.routes import (
    annif_routes,
    change_routes,
    chat_routes,
    docs_routes,
    home_routes,
    job_routes,
    map_routes,
    measure_routes,
    outline_routes,
    review_routes,
    suggest_routes,
    tree_routes,
    try_routes,
)
from taxonaut.server.service import Service
from taxonaut.server.suggester import Suggester
from taxonaut.state.errors import TaxonautError
from taxonaut.state.version import VERSION
from taxonaut.workspace.workspace import Workspace

_LOGGER = logging.getLogger("taxonaut.server")

DESCRIPTION = """A workspace of taxonaut: suggest labels for texts, read and change the tree, review, learn.

Reading is open to programs on this machine; changes need the service's token, as `Authorization: Bearer TOKEN`.
Errors are problems (RFC 9457) whose `detail` says what was given, what is allowed, and what to do next.
"""


def create_api(workspace: Workspace, access: Access, limits: Limits) -> FastAPI:
    """Return the paths of the service without the guard; `create_app` is what is served."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.jobs.start()
        tree = asyncio.create_task(asyncio.to_thread(workspace.index.children, workspace.index.root()))
        words = asyncio.create_task(asyncio.to_thread(keep_words, workspace))
        async with tools.router.lifespan_context(tools):
            yield
        await service.jobs.close()
        await tree
        await words
        await asyncio.to_thread(service.suggester.close)

    api = FastAPI(
        title="taxonaut",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    service = Service(
        workspace, access, limits, Suggester(workspace), JobManager(workspace.folder), Chats(workspace)
    )
    api.state.service = service
    answer_problems(api)
    for routes in (
        home_routes,
        suggest_routes,
        try_routes,
        tree_routes,
        change_routes,
        outline_routes,
        review_routes,
        job_routes,
        measure_routes,
        chat_routes,
        map_routes,
        annif_routes,
        docs_routes,
    ):
        api.include_router(routes.router)
    tools = mcp_app(workspace, host="127.0.0.1" if access.loopback else "")
    api.router.routes.extend(tools.routes)
    for pages in (page_routes, review_page, tree_page, try_page, chat_page, map_page):
        api.include_router(pages.router)
    api.mount("/static", StaticFiles(directory=STATIC))
    return api


def keep_words(workspace: Workspace) -> None:
    """Read the words of the labels for searches; without them a search scans the labels, which takes longer."""
    try:
        workspace.index.keep_words()
    except TaxonautError as error:
        _LOGGER.warning("searches scan the labels: %s", error)


def create_app(workspace: Workspace, access: Access, limits: Limits = Limits()) -> ASGIApp:  # noqa: B008
    """Return the service of an open workspace; the caller closes the workspace after the application has ended."""
    return guarded(create_api(workspace, access, limits), access, limits)


def guarded(api: FastAPI, access: Access, limits: Limits) -> ASGIApp:
    """Return an API behind its guard."""
    return Guard(api, access, limits, sign_in_page())
