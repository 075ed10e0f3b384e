"""`taxonaut index`."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TREE = """\
root  #1
├── Sport  #2
│   ├── Shoes  #4
│   │   └── … 2 labels
│   └── Camping  #5
│       └── … 1 label
└── Food  #3
    └── Fruit  #6
        └── … 2 labels
"""

SHOES = """\
Shoes  #4
├── Running shoes
└── … 1 more label
"""


def test_show_draws_the_tree(run: Any, shop: Path) -> None:
    called = run("index", "show", "-w", shop)
    assert (called.code, called.err) == (0, "")
    assert called.out == TREE


@pytest.mark.parametrize("node", ["4", "#4", "Sport > Shoes", "sport > SHOES"])
def test_show_one_node(run: Any, shop: Path, node: str) -> None:
    assert run("index", "show", node, "--limit", 1, "-w", shop).out == SHOES


def test_show_as_json(run: Any, shop: Path) -> None:
    shown = json.loads(run("index", "show", "Food > Fruit", "--depth", 1, "--json", "-w", shop).out)
    assert shown == {
        "id": 6,
        "name": "Fruit",
        "description": "",
        "label_id": None,
        "branches": [],
        "more_branches": 0,
        "labels": [{"id": "apples", "name": "Red apples"}, {"id": "pears", "name": "Green pears"}],
        "more_labels": 0,
    }


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("99", "no node 99 in the index"),
        ("Sport > Shoos", "there is no branch 'Shoos' under 'Sport'; did you mean 'Shoes'?"),
        ("Zeppelins", "there is no branch 'Zeppelins' at the top; there are 'Sport', 'Food'"),
        ("Food > Fruit > Plums", "there is no branch 'Plums' under 'Food > Fruit': it has no branches"),
        (
            "Food > Fruit > Red apples",
            "'Red apples' is a label and has no branches; see it with: taxonaut labels show apples, "
            "or take it out with: taxonaut labels retire apples",
        ),
    ],
)
def test_show_a_node_that_is_not_there(run: Any, shop: Path, node: str, said: str) -> None:
    called = run("index", "show", node, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"error: {said}")


def test_stats(run: Any, shop: Path) -> None:
    counts = json.loads(run("index", "stats", "--json", "-w", shop).out)
    assert (counts["labels"], counts["nodes"], counts["terminals"], counts["depth"]) == (5, 5, 3, 2)
    lines = run("index", "stats", "-w", shop).out.splitlines()
    assert lines[0].split() == ["labels", "5"]
    assert len(lines) == len(counts)


@pytest.mark.usefixtures("embedder")
def test_build(run: Any, blank: Path) -> None:
    names = [f"{colour} {thing}" for colour in ("red", "green", "blue") for thing in ("shoe", "hat", "tent")]
    run("labels", "import", "-", "-w", blank, stdin="\n".join(names))
    called = run("index", "build", "--k", 3, "--terminal-size", 3, "--seed", 1, "-w", blank)
    assert (called.code, called.out) == (0, "")
    assert called.err.startswith("built a tree over 9 labels: ")
    assert json.loads(run("index", "stats", "--json", "-w", blank).out)["labels_unplaced"] == 0


@pytest.mark.usefixtures("embedder")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "magic"], "there is no method 'magic'; there are: kmeans"),
        (["--method", "native"], "A tree of your own comes with its labels"),
        (["--k", "1"], "k is 1; it must be at least 2"),
    ],
)
def test_build_refuses(run: Any, shop: Path, options: list[str], said: str) -> None:
    called = run("index", "build", *options, "-w", shop)
    assert called.code == 2
    assert said in called.err
    assert run("index", "show", "-w", shop).out == TREE


@pytest.mark.usefixtures("embedder")
def test_build_without_labels(run: Any, blank: Path) -> None:
    called = run("index", "build", "-w", blank)
    assert called.code == 2
    assert "has no labels yet; import some: taxonaut labels import FILE" in called.err


THINGS = [
    f"{kind} {colour} {number}"
    for kind in ("shoe", "lamp")
    for colour in ("red", "blue")
    for number in range(6)
]


@pytest.fixture
def things(run: Any, blank: Path, embedder: Any) -> Path:
    """A workspace with 24 labels, 12 to a terminal at most."""
    run("labels", "import", "-", "-w", blank, stdin="\n".join(THINGS))
    settings = (blank / "taxonaut.toml").read_text()
    (blank / "taxonaut.toml").write_text(settings.replace("terminal_size = 24", "terminal_size = 6"))
    return blank


def test_build_by_agents(run: Any, things: Path) -> None:
    called = run("index", "build", "--method", "agents", "-w", things)
    assert (called.code, called.out) == (0, "")
    first, second, *_ = called.err.splitlines()
    assert first.startswith("built a tree over 24 labels: ")
    assert first.endswith(f"next: taxonaut classify FILE -w {things}")
    assert " comparisons; " in second
    assert "tokens" not in second
    counts = json.loads(run("index", "stats", "--json", "-w", things).out)
    assert (counts["labels_unplaced"], counts["largest_terminal"] <= 6) == (0, True)
    assert run("index", "build", "--method", "agents", "--quiet", "-w", things).err == ""


def test_build_by_agents_as_json(run: Any, things: Path) -> None:
    built = json.loads(run("index", "build", "--method", "agents", "--k", 4, "--json", "-w", things).out)
    counts = json.loads(run("index", "stats", "--json", "-w", things).out)
    assert built["index"] == counts
    assert set(built["build"]) == {"splits", "refused", "fallbacks", "failed"}
    assert built["build"]["splits"] >= 1
    assert built["cost"]["comparisons"] >= 2 * built["build"]["splits"]
    assert (built["cost"]["errors"], built["cost"]["prompt_tokens"]) == (0, 0)
    one = json.loads(run("index", "build", "--json", "-w", things).out)
    assert (one["build"], one["cost"]) == (None, None)


def test_what_agents_refused_is_described() -> None:
    from taxonaut.cli.index.build import describe_build
    from taxonaut.state.stores.decisions import Totals
    from taxonaut.workspace.build.agents_tree import BuildReport

    refused = {"": ("no label belongs to 'x'; leave it out",), **{str(n): ("a", "b") for n in range(6)}}
    assert describe_build(BuildReport(1_200, refused, ("3",)), Totals(requests=3_456)) == [
        "1,200 splits in 3,456 requests; 7 of them were tried again, 1 made by vectors instead",
        "  part of all labels: no label belongs to 'x'; leave it out",
        "  part 0: a; b",
        "  part 1: a; b",
        "  part 2: a; b",
        "  part 3: a; b",
        "  and 2 more (--json has them all)",
    ]
    counted = Totals(requests=2, prompt_tokens=12_000, completion_tokens=340)
    assert describe_build(BuildReport(1, {}, ()), counted) == [
        "1 split in 2 requests, 12,000 tokens read and 340 written; "
        "0 of them were tried again, 0 made by vectors instead"
    ]

    assert describe_build(BuildReport(0, {}, ()), Totals()) == [
        "so few labels need no categories: nothing was asked"
    ]


@pytest.mark.usefixtures("embedder")
def test_a_long_name_is_clipped(run: Any, blank: Path) -> None:
    long = "shoe " + "x" * 2_000
    run("labels", "import", "-", "-w", blank, stdin=f"hat\n{long}")
    run("index", "build", "-w", blank)
    shown = run("index", "show", "-w", blank).out.splitlines()
    assert shown == ["root  #1", "├── hat", f"└── shoe {'x' * 154}…"]
    assert long in run("index", "show", "--json", "-w", blank).out
    assert long not in run("classify", "shoe", "-w", blank).out
    assert long in run("classify", "shoe", "--json", "-w", blank).out


def test_estimate(run: Any, things: Path) -> None:
    called = run("index", "build", "--method", "agents", "--estimate", "-w", things)
    assert called.code == 0
    lines = called.out.splitlines()
    assert lines[0] == "a build by agents over 24 labels would take about"
    assert lines[1].split() == [
        "role",
        "model",
        "requests",
        "comparisons",
        "tokens",
        "read",
        "tokens",
        "written",
    ]
    assert [line.split()[:2] for line in lines[2:4]] == [
        ["architect", "encoder/onnx/all-minilm-l6-v2"],
        ["annotator", "encoder/onnx/all-minilm-l6-v2"],
    ]
    assert [[line.split()[place] for place in (2, 4, 5)] for line in lines[2:4]] == [["–"] * 3] * 2
    assert all(int(line.split()[3]) > 0 for line in lines[2:4])
    assert lines[4] == "nothing was asked or changed; without --estimate it is built"
    assert json.loads(run("index", "stats", "--json", "-w", things).out)["nodes"] == 0


def test_estimate_of_a_language_model_as_json(
    run: Any, things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXONAUT_MODELS__ANNOTATOR__MODEL", "openai/gpt-4o")
    called = run("index", "build", "--method", "agents", "--estimate", "--json", "-w", things)
    estimate = json.loads(called.out)
    architect, annotator = estimate["roles"]
    assert (estimate["labels"], architect["prompt_tokens"], architect["completion_tokens"]) == (24, 0, 0)
    assert (annotator["role"], annotator["model"]) == ("annotator", "openai/gpt-4o")
    assert annotator["prompt_tokens"] > 100 * annotator["requests"] > annotator["requests"] > 1
    assert (estimate["requests"], architect["requests"]) == (annotator["requests"], 0)
    assert estimate["comparisons"] == architect["comparisons"] > 0
    assert estimate["prompt_tokens"] == annotator["prompt_tokens"]
    assert estimate["completion_tokens"] == annotator["completion_tokens"] > 0
    shown = run("index", "build", "--method", "agents", "--estimate", "-w", things).out
    assert f"{annotator['prompt_tokens']:,}" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--method", "agents", "--k", "1"],
            "invalid settings for method 'agents': centres: Input should be greater",
        ),
        (
            ["--method", "agents", "--terminal-size", "1"],
            "invalid settings for method 'agents': terminal_size: Input",
        ),
        (
            ["--method", "kmeans", "--estimate"],
            "--estimate is for a build by agents, and the method is 'kmeans'",
        ),
        (["--method", "agent"], "there is no method 'agent'; there are: kmeans, agents"),
    ],
)
def test_build_by_agents_refuses(run: Any, things: Path, options: list[str], said: str) -> None:
    called = run("index", "build", *options, "-w", things)
    assert (called.code, called.out) == (2, "")
    assert said in called.err
    assert json.loads(run("index", "stats", "--json", "-w", things).out)["nodes"] == 0


@pytest.mark.usefixtures("embedder")
@pytest.mark.parametrize("options", [[], ["--estimate"]])
def test_build_by_agents_without_labels(run: Any, blank: Path, options: list[str]) -> None:
    called = run("index", "build", "--method", "agents", *options, "-w", blank)
    assert (called.code, called.out) == (2, "")
    assert "has no labels yet; import some: taxonaut labels import FILE" in called.err


def test_a_model_that_is_gone_stops_the_build(
    run: Any, things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "MODEL": "openai/x",
        "API_BASE": "http://127.0.0.1:9/v1",
        "BACKOFF_S": "0.01",
    }.items():
        monkeypatch.setenv(f"TAXONAUT_MODELS__ARCHITECT__{name}", value)
    called = run("index", "build", "--method", "agents", "-w", things)
    assert (called.code, called.out) == (4, "")
    assert "'openai/x'" in called.err
    assert "Traceback" not in called.err
    assert json.loads(run("index", "stats", "--json", "-w", things).out)["nodes"] == 0
