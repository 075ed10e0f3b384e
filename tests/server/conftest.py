"""A small workspace that is served: over ASGI in this process, or by uvicorn at a port."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from serving import TOKEN, make_workspace

from taxonaut.server.access import Access, Guard, Limits
from taxonaut.server.app import create_api
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make_workspace(tmp_path) as made:
        yield made


@pytest.fixture
def access() -> Access:
    """As on loopback without --token: reading is open."""
    return Access(TOKEN, port=8765)


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def client(workspace: Workspace, access: Access, limits: Limits) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service that has no token."""
    api = create_api(workspace, access, limits)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(Guard(api, access, limits), raise_app_exceptions=False),
            base_url="http://127.0.0.1:8765",
        ) as made,
    ):
        yield made
