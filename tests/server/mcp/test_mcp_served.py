"""The service answers MCP at /mcp: behind its token, on its loop, next to its other paths."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import serving
import uvicorn
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from taxonaut.server.access import Access
from taxonaut.server.app import create_app
from taxonaut.server.run import bind


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a service that listens on loopback."""
    with serving.make_workspace(tmp_path) as workspace, bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        app = create_app(workspace, Access(serving.TOKEN, port=port))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_with_the_token_proposes_and_confirms(address: str, mode: str) -> None:
    async with (
        httpx2.AsyncClient(headers=serving.BEARER, timeout=30) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=mode) as client,
    ):
        top = (await client.call_tool("list_children", {})).structured_content
        node = next(row["id"] for row in top["branches"] if row["name"] == "Sport")
        given = {"node": node, "name": "Outdoors"}
        proposal = (await client.call_tool("rename_node", given)).structured_content
        done = await client.call_tool("confirm_change", {"proposal": proposal["proposal"]})
        assert done.structured_content["status"] == "done"
        found = await asyncio.gather(
            *(client.call_tool("classify", {"text": "red apples"}) for _ in range(5))
        )
        assert {each.structured_content["labels"][0]["id"] for each in found} == {"apples"}
        async with httpx2.AsyncClient() as other:
            answer = await other.get(f"{address}/api/tree/{node}")
    assert "Outdoors" in answer.text


def test_without_the_token_nothing_is_answered(address: str) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    wanted = {"accept": "application/json, text/event-stream"}
    bare = httpx.post(f"{address}/mcp", json=asked, headers=wanted)
    foreign = httpx.post(
        f"{address}/mcp", json=asked, headers={**wanted, **serving.BEARER, "origin": "http://evil.example"}
    )
    assert (bare.status_code, foreign.status_code) == (401, 403)
    assert bare.headers["content-type"] == "application/problem+json"
