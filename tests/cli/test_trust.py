"""`taxonaut trust` shows what a workspace names, and keeps that it was confirmed."""

from pathlib import Path

import pytest

from taxonaut.workspace.core.config import load_config


@pytest.fixture(autouse=True)
def _nothing_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAXONAUT_TRUST", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_servers_are_shown_and_confirmed(run, blank: Path) -> None:
    (blank / "taxonaut.toml").write_text(
        '[models.navigator]\nmodel = "openai/x"\napi_base = "http://h:1/v1"\napi_key_env = "AWS_SECRET"\n'
        '[embeddings]\nmodel = "openai/e"\napi_key_env = "OTHER"\n',
        encoding="utf-8",
    )
    unanswered = run("trust", "-w", blank)
    assert (unanswered.code, unanswered.err) == (
        2,
        "error: nobody is there to confirm them; add --yes if they are yours\n",
    )
    asked = run("models", "test", "navigator", "-w", blank)
    assert asked.code == 3, asked
    assert f"confirm with: taxonaut trust -w {blank}" in asked.out
    confirmed = run("trust", "-w", blank, "--yes")
    assert (confirmed.code, confirmed.out) == (
        0,
        "navigator: openai/x at http://h:1/v1, key from $AWS_SECRET\nembeddings: openai/e, key from $OTHER\n",
    )
    config = load_config(blank)
    config.check_trusted(config.models.navigator)


def test_a_workspace_without_servers_has_nothing_to_confirm(run, blank: Path) -> None:
    found = run("trust", "-w", blank)
    assert (found.code, found.out) == (0, "")
    assert found.err == "the settings name no server and no key variable: nothing to confirm\n"
