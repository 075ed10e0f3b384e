"""Who may do what: tokens, sessions, foreign pages, long bodies."""

from collections.abc import AsyncIterator

import httpx
import pytest
from serving import BEARER, TOKEN

from taxonaut.server.access import Access, Limits, is_loopback

CHANGE = ("POST", "/api/session")


async def test_programs_on_this_machine_read_and_changes_need_the_token(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/home")).status_code == 200
    assert (await client.post("/api/suggest", json={"texts": ["red apples"]})).status_code == 200
    refused = await client.request(*CHANGE)
    assert refused.status_code == 401
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (await client.request(*CHANGE, headers=BEARER)).status_code == 204
    assert (await client.request(*CHANGE, auth=("", TOKEN))).status_code == 204
    for wrong in ("Bearer nonsense", "Basic !!", "Bearer", "bearer \u00e4".encode()):
        assert (await client.request(*CHANGE, headers={"Authorization": wrong})).status_code == 401


async def test_a_page_gets_a_cookie_for_the_token(client: httpx.AsyncClient) -> None:
    answer = await client.request(*CHANGE, headers=BEARER)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert (await client.request(*CHANGE)).status_code == 204, "with the cookie alone"
    assert (await client.delete("/api/session")).status_code == 204
    assert (await client.request(*CHANGE)).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8765", "", "[::2]"])
async def test_another_host_name_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/api/home", headers={"Host": host})
    assert answer.status_code == 403
    assert "this machine only" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_foreign_page_sends_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for path, body in (("/api/session", None), ("/api/suggest", {"texts": ["apples"]})):
        answer = await client.post(path, json=body, headers={**BEARER, **headers})
        assert answer.status_code == 403
        assert "another web page" in answer.json()["detail"]
    assert (
        await client.post("/api/session", headers={**BEARER, "Origin": "http://127.0.0.1:8765"})
    ).status_code == 204


async def test_every_answer_forbids_foreign_scripts(client: httpx.AsyncClient) -> None:
    for path in ("/api/home", "/api/none"):
        answer = await client.get(path)
        assert "script-src" not in answer.headers["content-security-policy"], "default-src covers scripts"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


class TestClosed:
    """On another address than this machine's, or with --token, reading needs the token too."""

    @pytest.fixture
    def access(self) -> Access:
        return Access(TOKEN, closed=True, loopback=False)

    async def test_all_but_health_needs_the_token(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/health")).status_code == 200
        for path in ("/api/home", "/api/openapi.json", "/api/none"):
            assert (await client.get(path)).status_code == 401
        ours = {**BEARER, "Host": "shop.example"}
        assert (await client.get("/api/home", headers=ours)).status_code == 200


class TestLimits:
    """Long bodies."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(body_bytes=1 << 20, arrival_s=0.05)

    async def test_a_long_body_is_refused(self, client: httpx.AsyncClient) -> None:
        text = "x" * (1 << 20)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield text.encode()[: 1 << 19]

        for answer in (
            await client.post("/api/suggest", content=f'{{"texts": ["{text}"]}}'),
            await client.post("/api/suggest", content=pieces()),
        ):
            assert answer.status_code == 413
            assert "longer than 1 MiB" in answer.json()["detail"]

    async def test_too_many_texts_are_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/suggest", json={"texts": ["x"] * 1_001})
        assert answer.status_code == 413
        assert "at most 1,000" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("a", False),
    ],
)
def test_which_addresses_are_this_machine(host: str, own: bool) -> None:
    assert is_loopback(host) is own
