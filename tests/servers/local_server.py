"""The server of openai_server.py in a process of its own."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("openai_server.py")


class LocalServer:
    """The server, from its start until `close`."""

    def __init__(self, delay: float = 0.0, log: Path | None = None, *, count: bool = False) -> None:
        command = [sys.executable, *([] if count else ["-S"]), str(SERVER), "--delay", str(delay)]
        if log is not None:
            command += ["--log", str(log)]
        if count:
            command += ["--count"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.url = f"{self.address}/v1"

    def get(self, path: str, patience_s: float = 60) -> dict[str, Any]:
        with urllib.request.urlopen(self.address + path, timeout=patience_s) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def stats(self) -> dict[str, Any]:
        """What it was asked since the last `reset`."""
        return self.get("/stats")

    def wait(self, what: str) -> dict[str, Any]:
        """Return once it is so: `answered=5`, `in_flight=0`. A process that asks may be slow to start."""
        return self.get(f"/wait?{what}", patience_s=240)

    def reset(self) -> None:
        self.get("/reset")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()
