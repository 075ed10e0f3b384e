"""A small workspace that is served: over ASGI in this process, or by uvicorn at a port."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from serving import TOKEN, make_workspace

from taxonaut.server.access import Access, Limits
from taxonaut.server.app import create_api, guarded
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
    started, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:  # in one task, as the cancel scopes inside ask for
        async with api.router.lifespan_context(api):
            started.set()
            await over.wait()

    life = asyncio.create_task(live())
    await started.wait()
    transport = httpx.ASGITransport(guarded(api, access, limits), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as made:
        yield made
    over.set()
    await life
