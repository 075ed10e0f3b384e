"""What a build will ask of language models, held against what it then asked of a server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder

from taxonaut import Workspace
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.state.updates import Progress, Update, listening
from taxonaut.workspace.build.build_estimate import BuildEstimate, RoleEstimate, aestimate_build

AREAS = {
    "kitchen": "kettle knife pan oven plate jar",
    "garden": "rake hose spade mower pot fence",
    "sport": "ball racket tent ski bicycle rope",
    "clothes": "shirt shoe coat hat scarf belt",
    "music": "guitar drum violin flute piano harp",
    "animals": "fox whale sparrow trout horse bee",
}
SORTS = ["ash", "birch", "cedar", "dahlia", "elm", "fir"]
SIZES = ["small", "large"]
NAMES = [
    f"{area} {thing} {thing}-{sort} {size}"
    for area, things in AREAS.items()
    for thing in things.split()
    for sort in SORTS
    for size in SIZES
]
SERVED = {"model": "openai/gpt-4o", "api_base": "", "backoff_s": 0.01}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    """Open a workspace with labels; its agents on a server where one is given."""
    spaces: list[Workspace] = []

    def make(url: str = "", **settings: Any) -> Workspace:
        folder = tmp_path / str(len(spaces))
        Workspace.init(folder).close()
        if url:
            server = {**SERVED, "api_base": url}
            settings["models"] = {"architect": server, "annotator": server}
            settings["task"] = {"description": "BEHAVE:agents"}
        spaces.append(Workspace.open(folder, embedder=word_embedder(48, fading=True), **settings))
        spaces[-1].index.add_labels([Label(LabelId(name), name) for name in NAMES])
        return spaces[-1]

    yield make
    for space in spaces:
        space.close()


@pytest.fixture(scope="module")
def counting(start_servers: Any) -> Any:
    """A server that counts the tokens it reads and writes."""
    return start_servers(count=True)


def within(estimate: float, used: float) -> bool:
    return abs(estimate - used) <= 0.2 * used


@pytest.mark.parametrize("size", [8, 24])
async def test_the_estimate_is_within_a_fifth_of_what_the_build_then_uses(
    opened: Any, counting: Any, size: int
) -> None:
    counting.reset()
    workspace = opened(counting.url)
    estimate = await aestimate_build(workspace, terminal_size=size)
    assert counting.stats()["requests"] == 0
    assert (workspace.index.stats().nodes, workspace.runs.list("build")) == (0, [])
    await workspace.abuild_index("agents", terminal_size=size)
    (run,) = workspace.runs.list("build")
    totals = workspace.decisions.totals(run.id)
    assert totals.errors == 0
    assert counting.stats()["answered"] == totals.requests - totals.cached
    assert within(estimate.requests, totals.requests)
    assert within(estimate.prompt_tokens, totals.prompt_tokens)
    assert within(estimate.completion_tokens, totals.completion_tokens)


async def test_an_encoder_is_estimated_to_the_request(opened: Any) -> None:
    workspace = opened()
    told: list[Update] = []
    with listening(told.append):
        estimate = await aestimate_build(workspace)
    assert workspace.runs.list("build") == []
    await workspace.abuild_index("agents")
    totals = workspace.decisions.totals(workspace.runs.list("build")[0].id)
    assert (estimate.labels, estimate.requests) == (len(NAMES), 0)
    assert estimate.comparisons == totals.comparisons > 0
    assert (estimate.prompt_tokens, estimate.completion_tokens) == (0, 0)
    assert [(role.role, role.model) for role in estimate.roles] == [
        ("architect", "encoder/words"),
        ("annotator", "encoder/words"),
    ]
    seen = [update for update in told if isinstance(update, Progress)]
    assert seen[-1] == Progress("estimating", len(NAMES), len(NAMES))


def test_totals_are_those_of_all_roles() -> None:
    roles = (RoleEstimate("architect", "a", 2, 100, 10), RoleEstimate("annotator", "b", 5, 900, 40))
    estimate = BuildEstimate(7, roles)
    assert (estimate.requests, estimate.prompt_tokens, estimate.completion_tokens) == (7, 1_000, 50)


async def test_what_cannot_be_estimated(tmp_path: Path, opened: Any) -> None:
    with Workspace.init(tmp_path / "empty") as empty, pytest.raises(InputError, match="has no labels yet"):
        await aestimate_build(empty)
    with pytest.raises(
        InputError, match="invalid settings for method 'agents': centres: Input should be greater"
    ):
        await aestimate_build(opened(), centres=1)
