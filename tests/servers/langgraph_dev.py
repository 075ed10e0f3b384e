"""LangGraph's own development server in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

QUIET = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGSMITH_TRACING": "false"}


@contextmanager
def serve_graphs(listing: Path, folder: Path, variables: Mapping[str, str]) -> Iterator[httpx.Client]:
    """Serve the graphs of a listing from a folder, and yield a client; what the server prints is in `server.log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--config", str(listing)],
            cwd=folder,
            env={**os.environ, **QUIET, **variables},
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for(client, process)
            yield client
    finally:
        process.terminate()
        process.wait()


def wait_for(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    """Return once the server answers."""
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            if client.get("/ok").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not start within a minute")
