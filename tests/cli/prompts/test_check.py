"""`taxonaut prompts eject`, `check` and `diff`: from a copy to what is wrong with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

EXPAND = "navigator/expand"


def edit(shop: Path, old: str, new: str) -> Path:
    """Change the copy of a template."""
    path = shop / "prompts" / f"{EXPAND}.j2"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_eject_says_what_to_do_next(run: Any, shop: Path) -> None:
    called = run("prompts", "eject", EXPAND, "--block", "system", "--block", "item", "-w", shop)
    assert (called.code, called.out) == (0, f"{shop / 'prompts' / EXPAND}.j2\n")
    assert called.err == (
        "edit it; delete it to return to the packaged one\n"
        f"then: taxonaut prompts check navigator/expand -w {shop}\n"
        f"      taxonaut prompts try navigator/expand --on ITEMS -w {shop}\n"
    )
    again = run("prompts", "eject", EXPAND, "--block", "context", "-w", shop, "--quiet")
    assert (again.code, again.err) == (0, "")
    assert run("prompts", "eject", EXPAND, "--block", "middle", "-w", shop).code == 2


def test_nothing_is_edited(run: Any, shop: Path) -> None:
    called = run("prompts", "check", "-w", shop)
    lines = called.out.splitlines()
    assert (called.code, called.err) == (0, "")
    assert lines[0].endswith(" packaged templates: nothing to report")
    assert lines[1:] == [f"none is edited; take a copy: taxonaut prompts eject NAME --block system -w {shop}"]
    diff = run("prompts", "diff", "--exit-code", "-w", shop)
    assert (diff.code, diff.out) == (0, "")
    assert diff.err == f"no template is edited; take a copy: taxonaut prompts eject NAME -w {shop}\n"
    assert run("prompts", "diff", EXPAND, "-w", shop).err.startswith("navigator/expand is the packaged one; ")


def test_check_reports_and_ends_with_1(run: Any, shop: Path) -> None:
    run("prompts", "eject", EXPAND, "--block", "context", "-w", shop)
    edit(shop, "at most {{ most }} branches", "at most {{ mots }} branches [/bold]")
    (shop / "prompts" / "expnd.j2").write_text("")
    called = run("prompts", "check", "-w", shop)
    assert called.code == 1
    lines = called.out.splitlines()
    assert lines[0].startswith("navigator/expand  your copy ")
    assert lines[0].endswith("  rendered with the packaged example, as it has made no decision here yet")
    assert lines[1].startswith("  tokens   system ")
    assert lines[1].endswith("(estimated: four characters are a token)")
    assert lines[2:5] == [
        "  error    prompts/navigator/expand.j2:15 context  `mots` is no variable of this template; did you mean "
        "`most`? it has most, node, options, path, task, text",
        "  warning  prompts/navigator/expand.j2:3 context  `most` is not used; the packaged template has it here, "
        "so the model is told less",
        "",
    ]
    assert lines[5].startswith("navigator/expand_few_shot  packaged ")  # it extends the copy
    assert lines[6].startswith("  error    prompts/navigator/expand.j2:15 context  `mots` is no variable ")
    assert lines[8].startswith("warning prompts/expnd.j2: no template is called so; ")
    assert run("prompts", "check", "general_expert/rank", "-w", shop).code == 0


def test_check_as_json(run: Any, shop: Path) -> None:
    run("prompts", "eject", EXPAND, "--block", "item", "-w", shop)
    edit(shop, "Text: {{ text }}", "Text: {{ txt }}")
    called = run("prompts", "check", EXPAND, "--json", "-w", shop)
    assert called.code == 1
    (row,) = json.loads(called.out)["templates"]
    assert (row["name"], row["copy"], row["samples"], row["counted"]) == (EXPAND, "workspace", 0, "roughly")
    assert row["tokens"]["system"]["copy"] == row["tokens"]["system"]["packaged"]
    assert row["findings"][0] == {
        "level": "error",
        "rule": "undefined variable",
        "block": "item",
        "file": "navigator/expand.j2",
        "line": 4,
        "message": "`txt` is no variable of this template; did you mean `text`? "
        "it has most, node, options, path, task, text",
    }


def test_check_renders_real_decisions(
    run: Any, shop: Path, tmp_path: Path, embedder: Any, scripted: Any
) -> None:
    items = tmp_path / "items.csv"
    items.write_text("id,text\n1,brown {{ 7 * 7 }} boots\n2,a tent\n", encoding="utf-8")
    assert run("classify", items, "-w", shop, "--quiet").code == 0
    assert all("49" not in request.item for request in scripted.history)
    assert any("brown {{ 7 * 7 }} boots" in request.item for request in scripted.history)
    rows = {
        row["name"]: row for row in json.loads(run("prompts", "check", "--json", "-w", shop).out)["templates"]
    }
    assert {name: row["samples"] for name, row in rows.items() if row["samples"]} == {
        "general_expert/rank": 2,
        "navigator/expand": 6,
    }
    assert all(row["findings"] == [] for row in rows.values())


def test_what_a_model_without_prompts_decided_is_recorded_too(
    run: Any, shop: Path, tmp_path: Path, embedder: Any
) -> None:
    items = tmp_path / "items.csv"
    items.write_text("id,text\n1,brown boots\n", encoding="utf-8")
    assert run("classify", items, "-w", shop, "--quiet").code == 0
    (row,) = json.loads(run("prompts", "check", EXPAND, "--json", "-w", shop).out)["templates"]
    assert row["samples"] > 0


def test_diff(run: Any, shop: Path) -> None:
    run("prompts", "eject", EXPAND, "--block", "item", "-w", shop)
    assert run("prompts", "diff", "--exit-code", "-w", shop).code == 0
    edit(shop, "Text: {{ text }}", "Title: {{ text }} [bold]")
    expected = [
        "--- packaged/navigator/expand item",
        "+++ prompts/navigator/expand item",
        "@@ -1 +1 @@",
        "-Text: {{ text }}",
        "+Title: {{ text }} [bold]",
    ]
    called = run("prompts", "diff", "-w", shop)
    assert (called.code, called.out.splitlines(), called.err) == (0, expected, "")
    assert run("prompts", "diff", EXPAND, "--exit-code", "-w", shop).code == 1
    assert json.loads(run("prompts", "diff", "--json", "-w", shop).out) == [
        {"template": EXPAND, "block": "item", "diff": "\n".join(expected)}
    ]
    assert run("prompts", "diff", "navigator/dance", "-w", shop).code == 2


def test_check_and_diff_without_a_workspace(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("prompts", "check", EXPAND).code == 0
    assert run("prompts", "diff").code == 0
    watched = run("prompts", "check", "--watch")
    assert watched.code == 3
    assert watched.err == "error: '.' is no workspace, so no template can be edited; name one with -w DIR\n"


HOLDER = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('here', flush=True); sys.stdin.read()"


def test_another_process_at_work_does_not_keep_one_from_checking(run: Any, shop: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(shop / "index.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "here\n"
        called = run("prompts", "check", EXPAND, "-w", shop)
        holder.communicate()
    assert called.code == 0
    assert called.err == (
        "the workspace is in use by another process, so its recorded decisions cannot be read: templates are "
        "rendered with the packaged examples\n"
    )
    assert "rendered with the packaged example" in called.out


def test_watch_checks_again_when_a_template_is_saved(run: Any, shop: Path) -> None:
    run("prompts", "eject", EXPAND, "--block", "item", "-w", shop)
    command = [sys.executable, "-m", "taxonaut", "prompts", "check", EXPAND, "--watch", "-w", str(shop)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            assert child.stderr.readline().startswith("watching ")
            edit(shop, "{{ text }}", "{{ txt }}")
            assert child.stderr.readline().startswith("watching ")
            time.sleep(0.1)
        finally:
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, "stopped watching\n")
    assert out.count("navigator/expand  your copy ") == 2
    assert out.count("nothing to report") == 1
    assert "`txt` is no variable of this template; did you mean `text`?" in out
