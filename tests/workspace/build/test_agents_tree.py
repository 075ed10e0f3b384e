"""The builder by agents over a real index: what comes of it, continued builds, and taking it back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder

from taxonaut import Workspace
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, ModelError, ModelUnavailableError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.runs import Runs
from taxonaut.state.updates import Progress, Update
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder, BuildReport, build_run, every_nth
from taxonaut.workspace.build.build_agents import build_agents
from taxonaut.workspace.build.builders import agents_builder
from taxonaut.workspace.core.config import BuildConfig, TaskConfig

KINDS = ("fox", "whale", "oak", "fern")
COLOURS = ("red", "grey", "blue", "white")
MAKERS = ("ada", "bob", "cyd")
NAMES = [f"{kind} {colour} {maker}" for kind in KINDS for colour in COLOURS for maker in MAKERS]
SMALL: dict[str, Any] = {"terminal_size": 6, "centres": 4}


def labels(names: Sequence[str] = NAMES) -> list[Label]:
    return [Label(LabelId(name), name) for name in names]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "zoo", embedder=word_embedder(32, fading=True)) as opened:
        opened.index.add_labels(labels())
        yield opened


def test_a_build_parts_labels_by_what_they_are(workspace: Workspace) -> None:
    told: list[Update] = []
    tree = workspace.build_index("agents", **SMALL, on_update=told.append)
    stats = workspace.index.stats()
    assert (tree.method, workspace.index.tree_method()) == ("agents", "agents")
    assert (stats.labels, stats.labels_unplaced) == (48, 0)
    assert stats.largest_terminal <= 6
    top = [child.name for child in workspace.index.children(workspace.index.root())]
    assert sorted(top) == ["Fern", "Fox", "Oak", "Whale"]
    assert all(1 <= len(node.examples) <= 8 and set(node.examples) <= set(NAMES) for node in tree.nodes)
    seen = [update for update in told if isinstance(update, Progress)]
    assert seen[-1] == Progress("splitting by agents", 48, 48)
    assert [update.done for update in seen] == sorted(update.done for update in seen)
    assert tree.settings == {
        "centres": 4,
        "terminal_size": 6,
        "depth": 8,
        "overlap": 0.8,
        "swallow": 0.8,
        "other": 0.3,
        "attempts": 3,
        "examples": 8,
        "seed": 0,
    }


def test_the_report_says_what_was_split_and_the_run_what_was_decided(workspace: Workspace) -> None:
    workspace.build_index("agents", **SMALL)
    report = workspace.last_build
    assert report is not None
    (run,) = workspace.runs.list("build")
    assert (run.status, run.units) == ("finished", report.splits)
    assert set(report.fallbacks) <= set(report.refused)
    totals = workspace.decisions.totals(run.id)
    assert totals.comparisons >= 2 * report.splits
    assert (totals.prompt_tokens, totals.errors) == (0, 0)
    assert run.settings["build"]["terminal_size"] == 6
    assert run.settings["architect"]["model"] == "encoder/words"
    assert set(run.settings["templates"]) == {
        "annotator/assign_label_scored",
        "annotator/assign_labels",
        "architect/propose_centres",
        "architect/propose_centres_scored",
    }


def test_the_same_build_again_asks_nothing_and_gives_the_same_tree(workspace: Workspace) -> None:
    first = workspace.build_index("agents", **SMALL)
    (run,) = workspace.runs.list("build")
    spent, report = workspace.decisions.totals(run.id).comparisons, workspace.last_build
    assert workspace.build_index("agents", **SMALL) == first
    (again,) = workspace.runs.list("build")
    assert workspace.decisions.totals(again.id).comparisons == spent
    assert workspace.last_build == report


def test_another_seed_is_another_build(workspace: Workspace) -> None:
    first = workspace.build_index("agents", **SMALL)
    other = workspace.build_index("agents", **SMALL, seed=1)
    assert first.settings != other.settings
    assert len(workspace.runs.list("build")) == 2


class Failing:
    """Answers so many requests, then the server is gone."""

    name = "failing"
    reads_prompts = False

    def __init__(self, model: Any, good: int) -> None:
        self.model = model
        self.left = good
        self.asked = 0

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        replies: list[ModelReply | ModelError] = await self.model.answer(requests)
        self.asked += len(requests)
        for place in range(len(replies)):
            self.left -= 1
            if self.left < 0:
                replies[place] = ModelUnavailableError("the server is gone")
        return replies


async def build_failing(workspace: Workspace, good: int) -> tuple[AgentsTreeBuilder, list[Failing], Any]:
    """Build with an annotator that fails after so many requests; returns what was asked and the tree or error."""
    failing: list[Failing] = []

    def made(given: Sequence[Label]) -> Any:
        wiring = workspace.wiring.with_config(
            workspace.config.model_copy(update={"build": BuildConfig(**SMALL)})
        )
        people = build_agents(wiring, given)
        failing.append(Failing(people.annotator.asker.model, good))
        people.annotator.asker.model = failing[-1]
        return people

    policy = agents_builder(workspace.wiring, SMALL)._policy
    builder = AgentsTreeBuilder(made, policy, workspace.runs)
    try:
        return builder, failing, await builder.build(workspace.index.all_labels())
    except ModelUnavailableError as error:
        return builder, failing, error


async def test_a_build_that_failed_goes_on_where_it_stopped(workspace: Workspace) -> None:
    _, (whole,), tree = await build_failing(workspace, 10**6)
    assert isinstance(tree, Tree)
    with Workspace.init(workspace.folder.parent / "other", embedder=word_embedder(32, fading=True)) as other:
        other.index.add_labels(labels())
        _, _, error = await build_failing(other, 2)
        assert str(error) == "the server is gone"
        (run,) = other.runs.list("build")
        assert (run.status, run.units) == ("failed", 1)
        assert other.decisions.totals(run.id).errors > 0
        assert other.index.stats().nodes == 0
        builder, (rest,), again = await build_failing(other, 10**6)
        assert again == tree
        assert rest.asked == whole.asked - 1
        (run,) = other.runs.list("build")
        assert (run.status, run.units) == ("finished", builder.report.splits)


async def test_without_runs_nothing_is_kept(workspace: Workspace) -> None:
    tree = await agents_builder(workspace.wiring, SMALL).build(workspace.index.all_labels())
    assert tree == await agents_builder(workspace.wiring, SMALL, workspace.runs).build(
        workspace.index.all_labels()
    )
    assert len(workspace.runs.list("build")) == 1


def test_undo_brings_the_former_tree_back(workspace: Workspace) -> None:
    workspace.build_index("kmeans", k=3, terminal_size=12)
    before = workspace.index.snapshot()
    workspace.build_index("agents", **SMALL)
    built = workspace.index.snapshot()
    assert built != before
    assert workspace.index.tree_method() == "agents"
    workspace.index.undo()
    assert workspace.index.snapshot().nodes == before.nodes
    assert workspace.index.snapshot().edges == before.edges
    assert workspace.index.snapshot().placements == before.placements
    assert workspace.index.tree_method() == "kmeans"


def test_few_labels_need_no_agents(workspace: Workspace) -> None:
    tree = workspace.build_index("agents", terminal_size=48)
    assert (tree.nodes, len(tree.placements)) == ((), 48)
    assert workspace.last_build == BuildReport(0, {}, ())


def fingerprint(given: Sequence[Label], settings: Mapping[str, Any]) -> str:
    with Database.in_memory() as database:
        return build_run(Runs(database), given, settings).fingerprint


def settings_of(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    wiring = workspace.wiring.with_config(workspace.config.model_copy(update=changes))
    return dict(build_agents(wiring, labels()).settings)


def test_what_makes_two_builds_the_same(workspace: Workspace) -> None:
    models = workspace.config.models

    def role(**changes: Any) -> dict[str, Any]:
        return {"models": models.model_copy(update=changes)}

    server = ModelSettings(model="openai/x", api_base="http://127.0.0.1:1/v1")
    usual = fingerprint(labels(), settings_of(workspace))
    same = [
        fingerprint(labels(), settings_of(workspace)),
        fingerprint(
            labels(), settings_of(workspace, **role(annotator=replaced(models.annotator, concurrency=3)))
        ),
        fingerprint(labels(), settings_of(workspace, **role(navigator=server))),
    ]
    differ = [
        fingerprint(labels()[1:], settings_of(workspace)),
        fingerprint(labels()[::-1], settings_of(workspace)),
        fingerprint([replace(labels()[0], description="new"), *labels()[1:]], settings_of(workspace)),
        fingerprint(labels(), settings_of(workspace, build=BuildConfig(terminal_size=9))),
        fingerprint(labels(), settings_of(workspace, build=BuildConfig(overlap=0.7))),
        fingerprint(labels(), settings_of(workspace, task=TaskConfig(description="Animals."))),
        fingerprint(labels(), settings_of(workspace, **role(architect=server))),
        fingerprint(labels(), settings_of(workspace, **role(annotator=server))),
        fingerprint(
            labels(), settings_of(workspace, **role(annotator=replaced(models.annotator, temperature=0.5)))
        ),
    ]
    folder = workspace.folder / "prompts" / "annotator"
    folder.mkdir()
    text = workspace.prompts.text("annotator/assign_labels")
    (folder / "assign_labels.j2").write_text(text.replace("You sort labels", "You file labels"))
    differ.append(fingerprint(labels(), settings_of(workspace)))
    assert same == [usual] * 3
    assert usual not in differ
    assert len(set(differ)) == len(differ)


def replaced(model: ModelSettings, **changes: Any) -> ModelSettings:
    return model.model_copy(update=changes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"centres": 1}, "invalid settings for method 'agents': centres: Input should be greater"),
        ({"k": 3}, "invalid settings for method 'agents': k: Extra inputs are not permitted"),
        ({"overlap": 1.5}, "invalid settings for method 'agents': overlap: Input should be less"),
    ],
)
def test_settings_that_cannot_be(workspace: Workspace, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        workspace.build_index("agents", **settings)
    assert str(caught.value).startswith(said)


def test_of_many_labels_every_nth_is_compared() -> None:
    assert every_nth([LabelId(str(n)) for n in range(1_000)]) == [str(n) for n in range(1_000)]
    assert every_nth([LabelId(str(n)) for n in range(2_001)]) == [str(n) for n in range(0, 2_001, 3)]
    assert every_nth([]) == []
