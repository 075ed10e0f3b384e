"""The builder `agents`: an architect and an annotator build the index (XMC-Agent 2.2)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from taxonaut.agents.annotator import Annotator
from taxonaut.agents.architect import Architect
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
from taxonaut.graphs.build_index import build_index
from taxonaut.graphs.merge_partitions import METHOD, merged, nodes_of, tree_of
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.state import version
from taxonaut.state.graph_states.build_index import Centre, Partition, Split
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.runs import Runs, RunUnits
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.walk.classification import RECURSION_LIMIT

KIND = "build"
WHOLE = Partition("", (), ())
"""All labels: nothing above them and nothing beside."""

MOST_COMPARED = 1_000
"""Labels of a node among which its examples are chosen; of more, every n-th."""


@dataclass(frozen=True, slots=True)
class BuildAgents:
    """Who builds: the agents over one set of labels, and what of the settings can change what they do."""

    suggestions: VectorClusters
    architect: Architect
    annotator: Annotator
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What came of the partitions: how many were split, which of the agents' splits were refused and why.

    `refused` maps a partition's key (empty: all labels) to the reasons; `fallbacks` are the keys of those that
    were parted by their vectors in the end.
    """

    splits: int
    refused: Mapping[str, tuple[str, ...]]
    fallbacks: tuple[str, ...]


class AgentsTreeBuilder:
    """Build by agents; a killed build goes on where it stopped if `runs` keeps what is finished."""

    name = METHOD

    def __init__(
        self,
        agents: Callable[[Sequence[Label]], BuildAgents],
        policy: BuildPolicy | None = None,
        runs: Runs | None = None,
        part: Partition = WHOLE,
    ) -> None:
        self._agents = agents
        self._policy = policy or BuildPolicy()
        self._runs = runs
        self._part = part
        self.report = BuildReport(0, {}, ())
        """Of the last build."""

    def within(self, path: Sequence[str], siblings: Sequence[Centre] = ()) -> "AgentsTreeBuilder":
        """Return a builder for the labels of a node: `path` are the names down to it, depth counts from the top."""
        part = Partition("", tuple(path), (), tuple(siblings))
        return AgentsTreeBuilder(self._agents, self._policy, self._runs, part)

    async def build(self, labels: Sequence[Label]) -> Tree:
        """Put the labels into a tree. Raises the ModelError of a request that failed for good."""
        agents = self._agents(labels)
        settings = {
            "version": version.VERSION,
            "policy": asdict(self._policy),
            "part": asdict(self._part),
            **agents.settings,
        }
        with build_run(self._runs, labels, settings).recording() if self._runs else nullcontext() as units:
            splits = await self.split(agents, labels, units)
            return await self.tree(agents, labels, splits)

    async def split(
        self, agents: BuildAgents, labels: Sequence[Label], units: RunUnits | None
    ) -> dict[str, Split]:
        """Run the graph."""
        graph = build_index(
            agents.suggestions, agents.architect, agents.annotator, self._policy, units
        ).compile()
        state = await graph.ainvoke(
            {"label_ids": [label.id for label in labels], "part": self._part},
            {"recursion_limit": RECURSION_LIMIT},
        )
        splits: dict[str, Split] = state["splits"]
        self.report = BuildReport(
            len(splits),
            {key: split.problems for key, split in splits.items() if split.problems},
            tuple(key for key, split in splits.items() if split.fallback),
        )
        return splits

    async def tree(self, agents: BuildAgents, labels: Sequence[Label], splits: Mapping[str, Split]) -> Tree:
        """Merge the splits, and keep with each node the labels that stand for it."""
        part = merged(splits, [label.id for label in labels])
        wishes = [VectorQuery(thinned(members), self._policy.examples, 0) for _, members in nodes_of(part)]
        central = await agents.suggestions.medoids_all(wishes)
        names = {label.id: label.name for label in labels}
        examples = [list(dict.fromkeys(names[label] for label in chosen)) for chosen in central]
        return tree_of(part, examples, {**asdict(self._policy), "seed": agents.architect.settings.seed})


def thinned(labels: Sequence[LabelId]) -> Sequence[LabelId]:
    """Take every n-th of many labels."""
    return labels[:: max(1, -(-len(labels) // MOST_COMPARED))]


def build_run(runs: Runs, labels: Sequence[Label], settings: Mapping[str, Any]) -> Resumable:
    """Return the run of a build: the same labels in the same order, and the same settings."""
    parts = chain.from_iterable((label.id, label.name, label.description) for label in labels)
    return Resumable(runs, KIND, settings, parts)
