"""No command writes over a workspace's own files or over its input."""

from pathlib import Path

import pytest

ITEMS = "id,text\n1,running shoes\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "export", "{own}", "--format", "jsonl"),
        ("classify", "{items}", "-o", "{own}", "--output-format", "jsonl"),
        ("categorize", "{items}", "-o", "{own}", "--output-format", "jsonl"),
        ("expert", "disagreements", "-o", "{own}", "--output-format", "jsonl"),
        ("vocabulary", "export", "{own}", "--format", "plain"),
        ("vocabulary", "export", "{own}", "--format", "free-form"),
        ("vocabulary", "export", "{own}", "--format", "parquet"),
    ],
)
@pytest.mark.parametrize("own", ["index.duckdb", "taxonaut.toml", "threads.sqlite", "prompts/a.jsonl"])
def test_a_workspace_s_own_file_is_no_output(
    run, shop: Path, tmp_path: Path, embedder, arguments: tuple[str, ...], own: str
) -> None:
    items = tmp_path / "items.csv"
    items.write_text(ITEMS, encoding="utf-8")
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    found = run(*(each.format(own=shop / own, items=items) for each in arguments), "-w", shop)
    assert found.code == 2, found
    assert {path: path.read_bytes() for path in before} == before
    assert set(before) >= {path for path in shop.rglob("*.part") if path.is_file()}


def test_the_input_is_no_output(run, shop: Path, tmp_path: Path, embedder) -> None:
    items = tmp_path / "items.csv"
    items.write_text(ITEMS, encoding="utf-8")
    for command in ("classify", "categorize"):
        assert run(command, items, "-o", items, "-w", shop).code == 2
    assert run("vocabulary", "assign", items, "-o", items, "-w", shop).code == 2
    assert items.read_text(encoding="utf-8") == ITEMS


def test_a_call_that_asks_no_model_in_vain_leaves_the_old_output(run, shop: Path, tmp_path: Path) -> None:
    """With no weights and a server that is down, nothing is answered."""
    (shop / "taxonaut.toml").write_text(
        '[models.navigator]\nmodel = "hosted_vllm/x"\napi_base = "http://127.0.0.1:9/v1"\nattempts = 1\n'
        '[models.general_expert]\nmodel = "hosted_vllm/x"\napi_base = "http://127.0.0.1:9/v1"\nattempts = 1\n'
        '[walk]\nshortlist = "tree"\n',
        encoding="utf-8",
    )
    out = tmp_path / "out.jsonl"
    out.write_text("before\n", encoding="utf-8")
    found = run("classify", "running shoes", "-o", out, "-w", shop)
    assert found.code == 4, found
    assert out.read_text(encoding="utf-8") == "before\n"
