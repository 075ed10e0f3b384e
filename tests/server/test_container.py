"""The container: its files, and its commands run here, outside of Docker, as Docker would run them."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import serving
import yaml

import taxonaut
from taxonaut.server.service_file import find_service

pytestmark = pytest.mark.slow

ROOT = Path(taxonaut.__file__).parent
PORT = "8765"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile's last stage, with their lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    found = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    last = max(at for at, (word, _, _) in enumerate(found) if word == "FROM")
    return [(word, rest) for word, _, rest in found[last:]]


def only(word: str) -> str:
    """The one instruction of this kind."""
    (rest,) = (rest for each, rest in instructions() if each == word)
    return rest


def words_of(rest: str) -> list[str]:
    """The words of a command in JSON form."""
    words: list[str] = json.loads(rest[rest.index("[") :])
    return words


def variables(folder: Path) -> dict[str, str]:
    """The environment of the image, with a folder of ours as its volume and this Python's programs first."""
    pairs = dict(word.split("=", 1) for word in shlex.split(only("ENV")))
    assert pairs["TAXONAUT_WORKSPACE"] == only("VOLUME") == only("WORKDIR")
    own = {name: value for name, value in pairs.items() if name not in ("PATH", "TAXONAUT_WEIGHTS")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **own, "PATH": path, "TAXONAUT_WORKSPACE": str(folder)}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A workspace where the volume would be."""
    with serving.make_workspace(tmp_path) as workspace:
        return Path(workspace.folder)


@pytest.fixture
def running(volume: Path) -> Iterator["tuple[subprocess.Popen[bytes], str]"]:
    """The container's command, at a free port, and where it listens."""
    command = ["0" if word == PORT else word for word in words_of(only("CMD"))]
    process = subprocess.Popen(
        command,
        cwd=volume,
        env={**variables(volume), "TAXONAUT_TOKEN": serving.TOKEN},
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline().decode()
        port = re.search(r"http://0\.0\.0\.0:(\d+)", said)
        assert port, said + process.stderr.read().decode()
        yield process, port[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


def check_health(volume: Path, port: str) -> int:
    """Run the container's health check against a port; its exit code."""
    words = [word.replace(PORT, port) for word in words_of(only("HEALTHCHECK"))]
    return subprocess.run(
        words, env=variables(volume), check=False, capture_output=True, timeout=30
    ).returncode


def test_the_container_s_command_serves_the_volume(
    running: "tuple[subprocess.Popen[bytes], str]", volume: Path
) -> None:
    process, port = running
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while check_health(volume, port) != 0:
        assert process.poll() is None
        assert time.monotonic() < deadline
    sent = {"texts": ["red apples"]}
    assert httpx.post(f"{address}/api/suggest", json=sent, timeout=60).status_code == 401
    found = httpx.post(f"{address}/api/suggest", json=sent, headers=serving.BEARER, timeout=60)
    assert (found.status_code, "apples" in found.text) == (200, True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    assert find_service(volume) is None
    assert check_health(volume, port) != 0


def test_an_empty_volume_is_named_with_the_command_that_fills_it(tmp_path: Path) -> None:
    finished = subprocess.run(
        words_of(only("CMD")),
        env=variables(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode != 0
    assert "is not a workspace; create one with: taxonaut init" in finished.stderr


def test_the_container_s_user_is_not_root() -> None:
    user = only("USER")
    (made,) = (rest for word, rest in instructions() if word == "RUN" and "useradd" in rest)
    uid = re.search(rf"useradd --uid (\d+) .*\b{user}\b", made)
    assert uid
    assert int(uid[1]) > 0
    order = [word for word, _ in instructions()]
    assert order.index("USER") < order.index("CMD")


def test_compose_runs_the_image_with_its_volume_its_token_and_no_rights() -> None:
    read: Any = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    (service,) = read["services"].values()
    assert service["volumes"] == [f"workspace:{only('VOLUME')}"]
    assert list(read["volumes"]) == ["workspace"]
    assert service["ports"] == [f"127.0.0.1:{PORT}:{only('EXPOSE')}"]
    assert service["environment"]["TAXONAUT_TOKEN"].startswith("${TAXONAUT_TOKEN:?")
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_the_build_sees_what_is_installed_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= kept
    needed = ["pyproject.toml", "constraints.txt", "README.md", "LICENSE", "__init__.py", "py.typed"]
    assert all(any(fnmatch(name, each) for each in kept) for name in needed)
    assert not kept & {"tests", "benchmarks", "docs", ".git"}
