"""The command line in odd surroundings: closed streams, full devices, ASCII terminals, odd names. No traceback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")]


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell, where `t` is the command."""
    script = f't() {{ "{sys.executable}" -m taxonaut "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("t index stats >&-", 0),
        ("t index stats <&-", 0),
        ("t index stats <&- >&- 2>&-", 0),
        ("t labels show nothing 2>&-", 2),
        ("t labels list --json | head -n 1; exit ${PIPESTATUS[0]}", 0),
        ("t labels list | true; exit ${PIPESTATUS[0]}", 0),
    ],
)
def test_closed_streams(shop: Path, line: str, code: int) -> None:
    done = shell(line, shop)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["index stats", "labels list --json", "index export -"])
def test_a_full_device(shop: Path, command: str) -> None:
    done = shell(f"t {command} > /dev/full", shop)
    assert done.returncode == 3, done
    assert done.stderr == "error: standard output cannot be read or written: No space left on device\n"


def test_an_ascii_terminal(shop: Path) -> None:
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    assert shell("t index rename 2 Größe", shop).returncode == 0
    done = shell("t index show", shop, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "index export {name}.jsonl",
        "classify {name}.csv",
        "classify shoes -o {name}.jsonl",
        "init {name}",
        "labels add {name}.csv",
        "-w {name} index stats",
        "prompts eject navigator/expand -w {name}",
    ],
)
def test_a_name_that_is_too_long(shop: Path, command: str) -> None:
    done = shell("t " + command.format(name="a" * 300), shop)
    assert done.returncode in (2, 3), done
    assert "report it" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix" or not hasattr(os, "geteuid"), reason="needs permissions")
def test_templates_that_cannot_be_written(shop: Path) -> None:
    (shop / "prompts" / "navigator").write_text("no folder")
    done = shell("t prompts eject navigator/expand", shop)
    assert done.returncode in (2, 3), done
    assert "report it" not in done.stderr


@pytest.mark.parametrize("name", ["a#b", "a%41b", 'a "b', "a;b"])
def test_signs_in_a_workspace_s_name(tmp_path: Path, name: str) -> None:
    for command in ("init", "index stats -w"):
        done = shell(f't {command} "$NAME" -q', tmp_path, NAME=name)
        assert done.returncode == 0, done
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_question_mark_in_a_workspace_s_name(tmp_path: Path) -> None:
    done = shell("t init 'a?b'", tmp_path)
    assert done.returncode == 3
    assert done.stderr.endswith(
        "a?b/index.duckdb' holds a question mark, after which DuckDB reads settings; give the folder another name\n"
    ) or done.stderr.endswith(
        "a?b' holds a question mark, after which DuckDB reads settings; give the folder another name\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_json_escapes_what_moves_the_cursor_or_turns_lines_around(shop: Path) -> None:
    assert shell("t index rename 2 $'a\\u202eb\\u009bc'", shop).returncode == 0
    done = shell("t index show --json", shop)
    assert done.returncode == 0
    assert not {"\u202e", "\u009b"} & set(done.stdout)
    assert "\\u202e" in done.stdout
    assert "a\u202eb" in json.dumps(json.loads(done.stdout), ensure_ascii=False)


@pytest.mark.parametrize("gap", [0.01, 0.1])
def test_ctrl_c_twice(shop: Path, gap: float) -> None:
    """The second may come at any time of the end."""
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never answers
    address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
    (shop / "taxonaut.toml").write_text(
        "".join(
            f'[models.{role}]\nmodel = "hosted_vllm/x"\napi_base = "{address}"\n'
            for role in ("navigator", "general_expert")
        )
        + '[walk]\nshortlist = "tree"\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "taxonaut", "classify", "running shoes", "-w", str(shop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TAXONAUT_TRUST": "1"},
    )
    silent.settimeout(60)
    with silent, silent.accept()[0]:  # the request is on its way
        process.send_signal(signal.SIGINT)
        time.sleep(gap)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in said
    assert "report it" not in said
