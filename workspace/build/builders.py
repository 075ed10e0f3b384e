"""The methods that build an index over labels, by name."""

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from typing_extensions import TypedDict

from taxonaut.graphs.policies import BuildPolicy
from taxonaut.state.errors import InputError
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.runs import Runs
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder
from taxonaut.workspace.build.build_agents import build_agents, group_namer
from taxonaut.workspace.build.kmeans_tree import KMeansSettings, KMeansTreeBuilder
from taxonaut.workspace.core.config import BuildConfig, problems
from taxonaut.workspace.core.container import Wiring

METHODS = ("kmeans", "agents")
"""Methods of `index build`. A tree that a label file describes is built when the file is imported."""


class TreeSettings(TypedDict, total=False):
    """Settings of a method as keywords.

    Those of `kmeans` are `KMeansSettings`. Those of `agents` replace the [build] table (`BuildConfig`).
    """

    terminal_size: int
    seed: int
    k: int
    examples: int
    centres: int
    depth: int
    sample: int
    labels_per_request: int
    fits: int
    margin: float
    overlap: float
    swallow: float
    other: float
    attempts: int


class TreeBuilder(Protocol):
    """Builds a tree over labels; `name` becomes the tree's `method`. Every label is placed at least once."""

    name: str

    async def build(self, labels: Sequence[Label]) -> Tree:
        """Put the labels into a tree."""
        ...


def builder(method: str, wiring: Wiring, settings: TreeSettings, runs: Runs | None = None) -> TreeBuilder:
    """Return the builder of a method. Raises InputError that lists the methods for an unknown one.

    With `runs`, a killed build by agents can be continued.
    """
    if method == "kmeans":
        return kmeans_builder(wiring, settings)
    if method == "agents":
        return agents_builder(wiring, settings, runs)
    raise InputError(
        f"there is no method {method!r}; there are: {', '.join(METHODS)}. A tree of your own comes with "
        "its labels: import a file that has paths or parents"
    )


def kmeans_builder(wiring: Wiring, settings: TreeSettings) -> KMeansTreeBuilder:
    """Return the builder that uses recursive k-means."""
    try:
        given: dict[str, Any] = {**settings}
        chosen = KMeansSettings(**given)
    except TypeError as error:
        raise InputError(f"invalid settings for method 'kmeans': {error}") from None
    return KMeansTreeBuilder(
        lambda labels: wiring.stored.lookup([each.name for each in labels]),
        chosen,
        lambda names: group_namer(wiring, names),
    )


def agents_builder(wiring: Wiring, settings: TreeSettings, runs: Runs | None = None) -> AgentsTreeBuilder:
    """Return the builder that uses agents; `settings` replace those of the [build] table."""
    build = build_config(wiring, settings)
    changed = wiring.with_config(wiring.config.model_copy(update={"build": build}))
    return AgentsTreeBuilder(lambda labels: build_agents(changed, labels), build_policy(build), runs)


def build_config(wiring: Wiring, settings: TreeSettings) -> BuildConfig:
    """Return the [build] table with some settings replaced. Raises InputError that names the invalid ones."""
    try:
        return BuildConfig(**{**wiring.config.build.model_dump(), **settings})
    except ValidationError as error:
        raise InputError(f"invalid settings for method 'agents': {problems(error)}") from None


def build_policy(build: BuildConfig) -> BuildPolicy:
    """Return the thresholds of the [build] table as a policy."""
    return BuildPolicy(
        centres=build.centres,
        terminal_size=build.terminal_size,
        depth=build.depth,
        overlap=build.overlap,
        swallow=build.swallow,
        other=build.other,
        attempts=build.attempts,
    )
