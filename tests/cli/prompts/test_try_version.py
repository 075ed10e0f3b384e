"""`taxonaut prompts try`."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxonaut.cli.shared import watch as watching

EXPAND, RANK = "navigator/expand", "general_expert/rank"
ITEMS = """\
id,text,labels
one,shoes for running,shoes
two,red apples,pears
three,a family tent,
"""
MODELS = """
[models.navigator]
model = "hosted_vllm/test"
api_base = "{url}"
attempts = 1
[models.general_expert]
model = "hosted_vllm/test"
api_base = "{url}"
attempts = 1
[walk]
shortlist = "tree"
terminals = 4
candidates = 0
"""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("embedder")]


@pytest.fixture
def served(shop: Path, server: Any) -> Path:
    """The shop on a local model that takes the first option, unless a prompt says otherwise."""
    (shop / "taxonaut.toml").write_text(MODELS.format(url=server.url), encoding="utf-8")
    return shop


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    path.write_text(ITEMS, encoding="utf-8")
    return path


def edit(shop: Path, name: str, item: str) -> Path:
    path = shop / "prompts" / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    extends = f'{{% extends "packaged/{name}.j2" %}}'
    path.write_text(f"{extends}\n{{% block item %}}\n{item}\n{{% endblock %}}\n", encoding="utf-8")
    return path


def test_both_versions_side_by_side(run: Any, served: Path, items: Path, tmp_path: Path) -> None:
    edit(served, RANK, "Text: {{ text }}{% if 'apples' in text %} BEHAVE:none{% endif %}")
    changed = tmp_path / "changed.jsonl"
    called = run("prompts", "try", RANK, "--on", items, "-w", served, "-o", changed)
    assert called.code == 0
    assert called.err.splitlines()[-1] == f"1 changed decision -> {changed}", "progress may be told before"
    lines = [" ".join(line.split()) for line in called.out.splitlines()]
    assert lines[0] == "general_expert/rank on 3 items, 2 with right labels"
    assert [line for line in lines if line.startswith(("chose nothing", "asked now", "from the cache"))] == [
        "chose nothing 0 1",
        "asked now 9 1",
        "from the cache 0 8",
    ]
    assert "1 of 3 decisions that both made had another prompt" in lines
    at = lines.index("1 changed: 0 worse for a right label, 0 better, 1 neither")
    assert lines[at + 2] == "other two ranking"
    assert (lines[at + 3], lines[at + 5]) == ("red apples", "+ nothing")
    (row,) = [json.loads(line) for line in changed.read_text(encoding="utf-8").splitlines()]
    assert (row["item_id"], row["node_id"], row["effect"], row["after"]["options"]) == (
        "two",
        None,
        "neither",
        [],
    )


def test_a_comment_costs_nothing(run: Any, served: Path, items: Path, server: Any) -> None:
    run("prompts", "eject", EXPAND, "-w", served)
    copy = served / "prompts" / f"{EXPAND}.j2"
    copy.write_text("{# note #}" + copy.read_text(encoding="utf-8"), encoding="utf-8")
    called = run("prompts", "try", EXPAND, "--on", items, "-w", served)
    assert called.out.splitlines()[-1] == "renders the same on all 6 decisions: nothing was asked"
    asked = server.stats()["requests"]
    told = json.loads(run("prompts", "try", EXPAND, "--on", items, "-w", served, "--json").out)
    assert (told["renders_the_same"], told["changed"], told["changes"]) == (True, 0, [])
    assert told["after"]["cost"]["asked"] == 0
    assert server.stats()["requests"] == asked


def test_json_is_complete(run: Any, served: Path, items: Path) -> None:
    edit(served, RANK, "BEHAVE:none {{ text }}")
    called = run("prompts", "try", RANK, "--on", items, "-w", served, "--json", "--limit", 2, "--seed", 3)
    told = json.loads(called.out)
    assert (told["items"], told["with_gold"], told["before"]["origin"], told["after"]["origin"]) == (
        2, 2, "packaged", "workspace",
    )  # fmt: skip
    assert set(told["differences"]) == {"P@1", "R@5", "MRR"}
    assert (told["first"]["worse"], told["after"]["items_without_label"]) == (1, 2)
    assert told["first"]["words"] == "0 better, 1 worse; this could be chance (p = 1.00)"
    assert len(told["changes"]) == told["changed"] == 2


def test_items_without_labels(run: Any, served: Path, items: Path) -> None:
    edit(served, RANK, "BEHAVE:none {{ text }}")
    called = run(
        "prompts", "try", RANK, "--on", items, "--labels-column", "", "-w", served, "--limit-changes", 1
    )
    assert "on 3 items, none with right labels" in called.out
    assert "no item has right labels: only changes, abstentions and cost are compared\n" in called.out
    assert "P@1" not in called.out
    assert called.out.endswith("… 2 more; --limit-changes N shows more, -o FILE writes all\n")


def test_texts_are_no_markup_and_no_control_signs(run: Any, served: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({"id": "[red]x", "text": "[bold]a\x1b[2Jb\nc {{ 7 * 7 }}"}), encoding="utf-8")
    edit(served, RANK, "BEHAVE:none {{ text }}")
    called = run("prompts", "try", RANK, "--on", path, "-w", served)
    assert "\n  [bold]a [2Jb c {{ 7 * 7 }}\n" in called.out
    assert "\x1b" not in called.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((EXPAND,), "take a copy and edit it: taxonaut prompts eject navigator/expand"),
        (("judge/likely",), "judge/likely cannot be tried on items; these can: "),
        (("navigator/dance",), "there is no template 'navigator/dance'"),
        ((EXPAND, "--against", "00ff"), "no version of navigator/expand with a hash that begins with '00ff'"),
    ],
)
def test_refusals(run: Any, served: Path, items: Path, arguments: tuple[str, ...], said: str) -> None:
    called = run("prompts", "try", *arguments, "--on", items, "-w", served)
    assert called.code == 2
    assert said in called.err


def test_a_model_that_reads_nothing(run: Any, shop: Path, items: Path) -> None:
    called = run("prompts", "try", EXPAND, "--on", items, "-w", shop)
    assert called.code == 2
    assert called.err.endswith('[models.navigator]\nmodel = "gguf/smollm2-135m-instruct"\n')


def test_watch_tries_again_on_a_save(
    run: Any, served: Path, items: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = edit(served, RANK, "Text: {{ text }}!")
    saves = iter(["{% block item %}", copy.read_text(encoding="utf-8").replace("!", "?")])

    def changed(folder: Path, pattern: str, seen: str, wait: object) -> str:
        text = next(saves, None)
        if text is None:
            raise KeyboardInterrupt
        copy.write_text(text, encoding="utf-8")
        return watching.hash_files(folder, pattern)

    monkeypatch.setattr(watching, "wait_for_change", changed)
    called = run("prompts", "try", RANK, "--on", items, "--watch", "-w", served)
    assert called.code == 0
    assert called.out.count("general_expert/rank on 3 items") == 2
    said = called.err.splitlines()
    assert [line.split(";")[0] for line in said if line.startswith("watching")] == [
        f"watching {served / 'prompts'}"
    ] * 3
    assert sum(line.startswith("error: the workspace template 'general_expert/rank'") for line in said) == 1
    assert said[-1] == "stopped watching"
