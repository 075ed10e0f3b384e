"""The build method `agents`: an architect and an annotator build the index (XMC-Agent 2.2)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from taxonaut.agents.annotator import Annotator
from taxonaut.agents.architect import Architect
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
from taxonaut.graphs.build_index import build_index
from taxonaut.graphs.merge_partitions import METHOD, build_tree, list_nodes, merge_splits
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.state import version
from taxonaut.state.graph_states.build_index import Centre, Partition, Split
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.runs import Runs, RunUnits
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.core.run_graph import run_graph

KIND = "build"
ALL_LABELS = Partition("", (), ())
"""The root partition, without path and siblings."""

MOST_COMPARED = 1_000
"""Most labels of a node among which its examples are chosen; of more labels, every n-th."""


@dataclass(frozen=True, slots=True)
class BuildAgents:
    """The agents over one set of labels, and the settings that affect their answers."""

    suggestions: VectorClusters
    architect: Architect
    annotator: Annotator
    settings: Mapping[str, Any]
    traced: bool = False


@dataclass(frozen=True, slots=True)
class BuildReport:
    """How many partitions were split, and which of the agents' splits were rejected and why.

    `refused`: reasons by partition key (empty: all labels). `fallbacks`: keys of the partitions that were clustered
    by their vectors in the end. `failed`: the error of each partition whose split lacks an answer of a model; the
    same build asks for these again.
    """

    splits: int
    refused: Mapping[str, tuple[str, ...]]
    fallbacks: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)


class AgentsTreeBuilder:
    """Builds a tree by agents; with `runs`, a killed build can be continued."""

    name = METHOD

    def __init__(
        self,
        agents: Callable[[Sequence[Label]], BuildAgents],
        policy: BuildPolicy | None = None,
        runs: Runs | None = None,
        part: Partition = ALL_LABELS,
    ) -> None:
        self._agents = agents
        self._policy = policy or BuildPolicy()
        self._runs = runs
        self._part = part
        self.report = BuildReport(0, {}, ())
        """The report of the last build."""

    def for_node(self, path: Sequence[str], siblings: Sequence[Centre] = ()) -> "AgentsTreeBuilder":
        """Return a builder for the labels of a node; `path` are the names from the root, from where depth counts."""
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
        """Split the labels with the graph `build_index`; return the splits by partition key."""
        graph = build_index(
            agents.suggestions, agents.architect, agents.annotator, self._policy, units
        ).compile()
        given = {"label_ids": [label.id for label in labels], "part": self._part}
        state = await run_graph(graph, given, traced=agents.traced)
        splits: dict[str, Split] = state["splits"]
        self.report = BuildReport(
            len(splits),
            {key: split.problems for key, split in splits.items() if split.problems},
            tuple(key for key, split in splits.items() if split.fallback),
            state["failed"],
        )
        return splits

    async def tree(self, agents: BuildAgents, labels: Sequence[Label], splits: Mapping[str, Split]) -> Tree:
        """Merge the splits into a tree, with the most central labels of each node as its examples."""
        part = merge_splits(splits, [label.id for label in labels])
        wishes = [
            VectorQuery(every_nth(members), self._policy.examples, 0) for _, members in list_nodes(part)
        ]
        central = await agents.suggestions.medoids_all(wishes)
        names = {label.id: label.name for label in labels}
        examples = [list(dict.fromkeys(names[label] for label in chosen)) for chosen in central]
        return build_tree(part, examples, {**asdict(self._policy), "seed": agents.architect.settings.seed})


def every_nth(labels: Sequence[LabelId]) -> Sequence[LabelId]:
    """Return at most `MOST_COMPARED` labels, evenly spaced."""
    return labels[:: max(1, -(-len(labels) // MOST_COMPARED))]


def build_run(runs: Runs, labels: Sequence[Label], settings: Mapping[str, Any]) -> Resumable:
    """Return the run of a build, known by its labels in order and its settings."""
    parts = chain.from_iterable((label.id, label.name, label.description) for label in labels)
    return Resumable(runs, KIND, settings, parts)
