"""Two versions of a template on the same items: what is asked, what changed, how good it was."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from taxonaut.evaluation.trials.trial import TrialReport, atry_version, summary, try_version
from taxonaut.evaluation.trials.trial_run import KIND
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelUnavailableError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.stores.prompt_trials import PromptTrials
from taxonaut.state.updates import Progress, Update
from taxonaut.workspace.core.injected import RoleModel
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

EXPAND, RANK = "navigator/expand", "general_expert/rank"
ONE_BLOCK = '{{% extends "packaged/{name}.j2" %}}\n{{% block {block} %}}\n{text}\n{{% endblock %}}\n'


def row(name: str, text: str, *gold: str) -> ItemRow:
    return ItemRow(Item(ItemId(name), text), tuple(map(LabelId, gold)))


def with_model(shop: Workspace, model: RoleModel) -> Workspace:
    walk = shop.with_walk(shortlist="tree", candidates=0, terminals=4)
    return walk.with_models({"navigator": model, "general_expert": model})


@pytest.fixture
def scripted() -> ScriptedModel:
    """Opens the branch and takes the label that the text names; `SLIP` in the prompt: another one."""

    def rule(request: ModelRequest) -> list[int]:
        slips = "SLIP" in request.item or "SLIP" in request.system
        return [c.id for c in request.choices if names(c.texts, request.text) != slips][: request.most] or [0]

    return ScriptedModel(rule=rule, name="hosted_vllm/test")


def names(texts: tuple[str, ...], text: str) -> bool:
    """Whether an option's own words are in a text."""
    words = texts[0].rpartition(">")[2].casefold().split()
    return any(word in text.casefold().split() for word in words)


@pytest.fixture
def local(shop: Workspace, scripted: ScriptedModel) -> Workspace:
    """The shop under a scripted language model."""
    return with_model(shop, scripted)


@pytest.fixture
def served(shop: Workspace, server: Any) -> Workspace:
    """The shop under a language model behind HTTP: its gateway caches."""
    return with_model(shop, {"model": "hosted_vllm/test", "api_base": server.url, "attempts": 1})


@pytest.fixture
def edit(shop: Workspace) -> Callable[..., Path]:
    """Write a workspace's copy, one block of it or all."""

    def write(name: str, text: str, block: str = "item") -> Path:
        path = shop.folder / "prompts" / f"{name}.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ONE_BLOCK.format(name=name, block=block, text=text) if block else text)
        return path

    return write


ROWS = [
    row("one", "sport shoes running", "shoes"),
    row("two", "food fruit apples", "apples"),
    row("three", "sport camping tents", "tents"),
    row("four", "food bakery bread", "bread"),
]


def asked(report: TrialReport) -> list[tuple[int, int, int]]:
    return [(side.cost.requests, side.cost.asked, side.cost.cached) for side in (report.before, report.after)]


def test_a_comment_asks_for_nothing(served: Workspace, server: Any, edit: Callable[..., Path]) -> None:
    packaged = served.prompts.text(EXPAND)
    edit(EXPAND, "{# a note #}\n" + packaged, block="")
    report = try_version(served, EXPAND, ROWS)
    made = report.before.cost.requests
    assert asked(report) == [(made, made, 0), (made, 0, made)]
    assert server.stats()["requests"] == made
    assert report.renders_the_same
    assert (report.alike, report.compared, report.changes) == (report.before.decisions,) * 2 + ((),)


def test_only_prompts_that_render_otherwise_are_asked(
    served: Workspace, server: Any, edit: Callable[..., Path]
) -> None:
    edit(RANK, 'Text: {{ text }}{% if "tents" in text %} BEHAVE:none{% endif %}')
    report = try_version(served, RANK, ROWS)
    ((before, at_first, _), (after, new, cached)) = asked(report)
    assert (at_first, new, cached) == (before, 1, after - 1)
    assert server.stats()["requests"] == before + 1
    assert not report.renders_the_same
    assert (report.compared, report.alike) == (4, 3)
    (change,) = report.changes
    assert (change.item_id, change.node_id, change.after.options, change.after.first) == (
        "three",
        None,
        (),
        "",
    )
    assert (report.before.abstained, report.after.abstained) == (0, 1)
    again = try_version(served, RANK, ROWS)
    assert asked(again) == [(before, 0, 0), (after, 0, 0)]
    assert again.changes == report.changes
    assert (again.after.cost.kept, again.before.cost.kept) == (after, before)


def test_quality_and_the_decisions_that_changed(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, 'Text: {{ text }}{% if "tents" in text or "bread" in text %} SLIP{% endif %}')
    rows = [*ROWS[:3], row("four", "food bakery bread", "cakes")]
    report = try_version(local, RANK, rows)
    assert {name: bounds.value for name, bounds in report.before.quality.items()} == {
        "P@1": 0.75, "R@5": 0.75, "MRR": 0.75,
    }  # fmt: skip
    first = report.first
    assert first is not None
    assert (first.better, first.worse, first.same, first.p) == (1, 1, 2, 1.0)
    told = [
        (change.item_id, change.effect, change.worth, [o.id for o in change.before.options],
         [o.id for o in change.after.options], change.right)
        for change in report.changes
    ]  # fmt: skip
    assert told == [
        ("three", "lost", -1.0, ["tents"], ["stoves"], ("Family tents",)),
        ("four", "gained", 1.0, ["bread"], ["cakes"], ("Sponge cakes",)),
    ]
    turned = [(change.before.first_right, change.after.first_right) for change in report.changes]
    assert turned == [(True, False), (False, True)]
    gap = report.differences["P@1"]
    assert (gap.value, gap.low < 0 < gap.high) == (0.0, True)


def test_a_branch_keeps_what_is_below_it(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(EXPAND, 'Text: {{ text }}{% if "apples" in text %} SLIP{% endif %}')
    report = try_version(local, EXPAND, ROWS)
    (worst, *_) = report.changes
    assert (worst.item_id, worst.path, worst.effect, worst.right) == ("two", (), "lost", ("Red apples",))
    assert [option.name for option in worst.before.options] == ["Food"]
    assert [option.name for option in worst.after.options] == ["Sport"]
    assert (worst.before.first, worst.after.first) != ("Red apples", "Red apples")
    assert report.first is not None
    assert (report.first.better, report.first.worse) == (0, 1)


def test_without_gold_only_changes_and_cost(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, "Say: {{ text }}")
    report = try_version(local, RANK, [row("a", "sport shoes running")])
    assert (report.with_gold, report.first, report.differences, report.before.quality) == (0, None, {}, {})
    assert (report.compared, report.alike, report.changes) == (1, 0, ())


def test_an_older_version_by_the_beginning_of_its_hash(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, "First {{ text }}")
    first = try_version(local, RANK, ROWS).after.hash
    edit(RANK, "Second {{ text }}")
    report = try_version(local, RANK, ROWS, against=first[:6])
    assert (report.before.hash, report.before.origin, report.after.origin) == (first, "kept", "workspace")
    with pytest.raises(
        NotFoundError, match="no version of general_expert/rank with a hash that begins with '00ff'"
    ):
        try_version(local, RANK, ROWS, against="00ff")
    with pytest.raises(InputError, match="is the version of general_expert/rank in use"):
        try_version(local, RANK, ROWS, against=report.after.hash)


def test_a_trial_is_kept_and_disturbs_no_classification(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, "Say: {{ text }}")
    report = try_version(local, RANK, ROWS)
    assert local.cost() == Totals()
    with pytest.raises(NotFoundError, match="no walk of item 'one'"):
        local.explain(ItemId("one"))
    assert {run.kind for run in local.runs.list()} == {KIND}
    try_version(local, RANK, ROWS)
    (kept,) = PromptTrials(local.database).of(RANK)
    assert (kept.before, kept.after) == (report.before.hash, report.after.hash)
    assert {name: value for name, value in kept.report.items() if name in ("items", "with_gold", "first")} == {
        "items": 4, "with_gold": 4, "first": summary(report)["first"],
    }  # fmt: skip


def test_the_persons_files_are_not_touched(local: Workspace, edit: Callable[..., Path]) -> None:
    path = edit(RANK, "Say: {{ text }}")
    before = {
        each: each.read_bytes() for each in sorted(local.folder.rglob("prompts/**/*")) if each.is_file()
    }
    try_version(local, RANK, ROWS)
    after = {each: each.read_bytes() for each in sorted(local.folder.rglob("prompts/**/*")) if each.is_file()}
    assert list(before) == [path]
    assert after == before


async def test_killed_in_the_middle_it_goes_on(
    served: Workspace, server: Any, edit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edit(RANK, "BEHAVE:broken {{ text }}")
    with pytest.raises(ModelUnavailableError, match="run the same command again"):
        await atry_version(served, RANK, ROWS)
    spent = server.stats()["requests"]
    path.write_text(path.read_text().replace("BEHAVE:broken", "Say:"))
    report = await atry_version(served, RANK, ROWS)
    assert report.before.cost.asked == 0
    assert server.stats()["requests"] == spent + report.after.cost.asked


def test_progress_names_both_versions(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, "Say: {{ text }}")
    told: list[Update] = []
    try_version(local, RANK, ROWS, on_update=told.append)
    assert [update for update in told if isinstance(update, Progress)] == [
        Progress(stage, done, 4) for stage in ("before", "after") for done in (0, 4)
    ]


def test_the_seed_shuffles_both_alike(
    local: Workspace, scripted: ScriptedModel, edit: Callable[..., Path]
) -> None:
    edit(RANK, "Say: {{ text }}")
    report = try_version(local, RANK, ROWS, seed=7)
    assert report.compared == 4
    assert report.changes == ()


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        (EXPAND, {"model": "encoder/onnx/all-minilm-l6-v2"}, "compares texts and reads no template"),
        (
            "navigator/expand_scored",
            {"model": "openai/x"},
            'answer = "generated" and reads navigator/expand.',
        ),
        (RANK, {"model": "openai/x", "answer": "scored"}, "reads general_expert/rank_scored"),
        (
            "general_expert/order",
            {"model": "openai/x", "answer": "scored"},
            "reads general_expert/rank_scored",
        ),
        (
            "judge/likely",
            {"model": "openai/x"},
            "judge/likely cannot be tried on items; these can: navigator/",
        ),
        (EXPAND, {"model": "openai/x"}, "taxonaut prompts eject navigator/expand"),
    ],
)
def test_what_cannot_be_tried_says_what_to_do(
    shop: Workspace, name: str, settings: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        try_version(with_model(shop, settings), name, ROWS)
    assert said in str(caught.value)


def test_the_lines_that_give_a_role_a_model(shop: Workspace) -> None:
    with pytest.raises(InputError) as caught:
        try_version(shop, "navigator/expand_scored", ROWS)
    assert str(caught.value).endswith(
        '[models.navigator]\nmodel = "gguf/smollm2-135m-instruct"\nanswer = "scored"'
    )


def test_a_navigator_that_is_not_asked(local: Workspace) -> None:
    with pytest.raises(InputError, match='not asked with shortlist = "dense"'):
        try_version(local.with_walk(shortlist="dense"), EXPAND, ROWS)


def test_a_report_is_json(local: Workspace, edit: Callable[..., Path]) -> None:
    edit(RANK, "SLIP {{ text }}")
    report = try_version(local, RANK, ROWS)
    told = json.loads(json.dumps({**summary(report), "changes": [each.row() for each in report.changes]}))
    assert (told["changed"], told["renders_the_same"], len(told["changes"])) == (4, False, 4)
