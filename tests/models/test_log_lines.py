"""`TAXONAUT_LOG`: JSON lines on standard error, without secrets and texts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxonaut.models.log_lines import log_as_json
from taxonaut.state.errors import InputError

CODE = """
import logging
from taxonaut.models.log_lines import log_as_json
log_as_json("info")
log_as_json("info")
log = logging.getLogger("taxonaut.models.llm")
log.debug("not shown")
key = "sk-secret-of-ours-123456"
log.info("asked %s", f"with {key}", extra={"taxonaut": {"run": 3, "url": key}})
try:
    raise ValueError("a text of a customer")
except ValueError:
    log.exception("it failed\\nbadly")
"""


def test_lines_are_json_without_secrets() -> None:
    environment = {**os.environ, "OUR_API_KEY": "sk-secret-of-ours-123456"}
    ended = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=True
    )
    first, second = (json.loads(line) for line in ended.stderr.splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info", "logger": "taxonaut.models.llm", "message": "asked with [redacted]", "run": 3,
        "url": "[redacted]",
    }  # fmt: skip
    assert (second["level"], second["message"], second["error"]) == (
        "error",
        "it failed\nbadly",
        "ValueError",
    )
    assert "customer" not in ended.stderr


def test_the_command_line_logs_where_the_environment_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "taxonaut", "-w", str(tmp_path), "index", "stats"]
    environment = {**os.environ, "TAXONAUT_LOG": "loud"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (ended.returncode, ended.stderr) == (
        2,
        "error: TAXONAUT_LOG is 'loud'; give one of debug, info, warning, error\n",
    )


def test_an_unknown_level() -> None:
    with pytest.raises(InputError, match="give one of debug, info"):
        log_as_json("")
