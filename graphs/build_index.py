"""Build an index over labels by agents: self-construction (XMC-Agent 2.2.1, algorithms 1 and 2).

Sample, propose centres, assign every label to all centres that fit, partition, validate, and again for every
partition that is too large. Each super-step takes what waits, of all branches and levels, all requests in flight
together; a split that was refused is tried again beside the next level of those that were accepted.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from taxonaut.agents.annotator import CentreText, Job
from taxonaut.agents.architect import partition_id
from taxonaut.agents.roles import Assigns, Proposes
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import first_grave, said, step
from taxonaut.state.errors import ModelError
from taxonaut.state.graph_states.build_index import (
    OTHER,
    BuildInput,
    BuildState,
    Centre,
    Partition,
    Split,
    SplitAttempt,
)
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import CentresProposed, NodeSplit, PartitionStarted, Progress, SplitRefused
from taxonaut.tools.write.propose_category import fold_name

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


FEWEST_COMPARED = 3
"""Labels of a centre from which on an overlap says something."""


def partitioned(trial: SplitAttempt) -> Split:
    """Put each label with all of its centres, and with *other* if it has none."""
    members: list[list[LabelId]] = [[] for _ in trial.centres]
    other: list[LabelId] = []
    for label, centres in zip(trial.partition.labels, trial.assigned, strict=True):
        for number in centres:
            members[number].append(label)
        if not centres:
            other.append(label)
    return Split(trial.centres, tuple(map(tuple, members)), tuple(other), trial.problems)


def found_problems(split: Split, labels: int, policy: BuildPolicy) -> list[str]:
    """Say what is wrong with a split of so many labels, each in a sentence that an architect can act on."""
    problems = []
    for centre, members in zip(split.centres, split.members, strict=True):
        if not members:
            problems.append(f"no label belongs to {centre.name!r}; leave it out")
        elif len(members) > policy.swallow * labels:
            problems.append(
                f"{centre.name!r} takes {len(members):,} of {labels:,} labels; divide what is in it"
            )
    for first, second in near_duplicates(split, policy):
        problems.append(
            f"{split.centres[first].name!r} and {split.centres[second].name!r} hold the same labels; "
            "make one of them, or tell them apart"
        )
    if len(split.other) > policy.other * labels:
        problems.append(
            f"{len(split.other):,} of {labels:,} labels fit no category; add categories that hold them"
        )
    return problems


def near_duplicates(split: Split, policy: BuildPolicy) -> list[tuple[int, int]]:
    """Return pairs of centres with the same words in their names, or nearly the same labels."""
    words = [frozenset(fold_name(centre.name).split()) for centre in split.centres]
    sets = [set(members) for members in split.members]
    found = []
    for first, second in combinations(range(len(split.centres)), 2):
        smaller = min(len(sets[first]), len(sets[second]))
        shared = len(sets[first] & sets[second])
        alike = smaller >= FEWEST_COMPARED and shared >= policy.overlap * smaller
        if words[first] == words[second] or alike:
            found.append((first, second))
    return found


def repaired(split: Split, labels: int, policy: BuildPolicy) -> Split | None:
    """Leave out empty centres and put near-duplicates together; None if that leaves no split worth having."""
    kept = [number for number, members in enumerate(split.members) if members]
    members = {number: set(split.members[number]) for number in kept}
    for first, second in near_duplicates(split, policy):
        if first in members and second in members:
            members[first] |= members.pop(second)
    order = {
        label: place for place, label in enumerate(dict.fromkeys(label for m in split.members for label in m))
    }
    result = Split(
        tuple(split.centres[number] for number in members),
        tuple(tuple(sorted(held, key=order.__getitem__)) for held in members.values()),
        split.other,
        split.problems,
    )
    good = len(members) >= 2 and not found_problems(result, labels, policy)
    return result if good else None


def siblings_of(split: Split, number: int, examples: int) -> tuple[Centre, ...]:
    """Return a centre's siblings, each with some of its labels, to tell its own sub-centres from."""
    return tuple(
        Centre(centre.name, centre.description, spread(members, examples))
        for place, (centre, members) in enumerate(zip(split.centres, split.members, strict=True))
        if place != number
    )


def spread(labels: Sequence[LabelId], most: int) -> tuple[LabelId, ...]:
    """Take at most so many labels, evenly from first to last."""
    count = min(most, len(labels))
    return tuple(labels[place * len(labels) // count] for place in range(count))


SIBLING_EXAMPLES = 3


def build_index(
    suggestions: VectorClusters,
    architect: Proposes,
    annotator: Assigns,
    policy: BuildPolicy | None = None,
    units: RunUnits | None = None,
) -> "StateGraph[BuildState, None, BuildInput, BuildState]":
    """Build the graph; compile it and invoke it with ids of labels. `splits` of what comes out is merged.

    With `units`, each accepted split is kept as a unit of a run with the decisions that led to it, and a
    killed build goes on from there. Raises the ModelError of a model that is gone; a reply that is no valid
    call is a try that failed.
    """
    from langgraph.graph import END, START, StateGraph

    building = Building(suggestions, architect, annotator, policy or BuildPolicy(), units)
    graph = StateGraph(BuildState, input_schema=BuildInput, output_schema=BuildState)
    graph.add_node("start", step(building.start))
    graph.add_node("take", step(building.take))
    graph.add_node("propose", step(building.propose))
    graph.add_node("assign", step(building.assign))
    graph.add_node("validate", step(building.validate))
    graph.add_edge(START, "start")
    graph.add_edge("start", "take")
    graph.add_conditional_edges("take", building.after_take, ["propose", END])
    graph.add_edge("propose", "assign")
    graph.add_edge("assign", "validate")
    graph.add_edge("validate", "take")
    return graph


class Building:
    """The graph's steps over their agents; holds no state of a build."""

    def __init__(
        self,
        suggestions: VectorClusters,
        architect: Proposes,
        annotator: Assigns,
        policy: BuildPolicy,
        units: RunUnits | None,
    ) -> None:
        self.suggestions = suggestions
        self.architect = architect
        self.annotator = annotator
        self.policy = policy
        self.units = units

    async def start(self, state: BuildState) -> BuildState:
        """All labels are the first partition."""
        part = state.get("part", Partition("", (), ()))
        everything = replace(part, key="", labels=tuple(state["label_ids"]))
        return {"waiting": [everything], "splits": {}, "decisions": [], "settled": 0}  # type: ignore[typeddict-item]

    async def take(self, state: BuildState) -> BuildState:
        """Set aside what is small enough and what a former call of this run has split already."""
        splits: dict[str, Split] = {}
        todo: list[Partition] = []
        waiting, settled = state["waiting"], state["settled"]
        while waiting:
            large = [partition for partition in waiting if not self.policy.is_terminal(partition)]
            settled += sum(len(p.labels) for p in waiting) - sum(len(p.labels) for p in large)
            fresh = [partition.key for partition in large if not partition.attempt]
            kept = self.units.finished(fresh) if self.units is not None else {}
            waiting = []
            for partition in large:
                if partition.key in kept and not partition.attempt:
                    splits[partition.key] = Split.from_row(kept[partition.key])
                    waiting += self.children(partition, splits[partition.key])
                    emit(divided(partition, splits[partition.key]))
                else:
                    todo.append(partition)
        total = len(state["label_ids"])
        emit(Progress("splitting by agents", min(settled, total), total))
        return {"waiting": todo, "splits": splits, "trials": [], "settled": settled}  # type: ignore[typeddict-item]

    def after_take(self, state: BuildState) -> str:
        """Go on while a partition is too large."""
        from langgraph.graph import END

        return "propose" if state["waiting"] else END

    async def propose(self, state: BuildState) -> BuildState:
        """Let the architect name centres for every partition that waits."""
        waiting = state["waiting"]
        for part in waiting:
            emit(PartitionStarted(part.key, part.path, len(part.labels), part.attempt))
        proposals = await self.architect.propose(
            waiting, [self.policy.wanted(partition) for partition in waiting]
        )
        decisions = [proposal.decision for proposal in proposals]
        await self.stop_on([proposal.error for proposal in proposals], state, decisions)
        trials = [
            SplitAttempt(partition, proposal.centres, (*proposal.problems, *said(proposal.error)))
            for partition, proposal in zip(waiting, proposals, strict=True)
        ]
        for trial in trials:
            emit(CentresProposed(trial.partition.key, tuple(centre.name for centre in trial.centres)))
        return {"trials": trials, "decisions": decisions}  # type: ignore[typeddict-item]

    async def assign(self, state: BuildState) -> BuildState:
        """Let the annotator assign every label of every partition to all centres that fit."""
        jobs = [self.job(trial) for trial in state["trials"]]
        results = await self.annotator.assign(jobs)
        decisions = [decision for result in results for decision in result.decisions]
        await self.stop_on([result.error for result in results], state, [*state["decisions"], *decisions])
        trials = [
            replace(trial, assigned=result.each, problems=(*trial.problems, *said(result.error)))
            for trial, result in zip(state["trials"], results, strict=True)
        ]
        return {"trials": trials, "decisions": [*state["decisions"], *decisions]}  # type: ignore[typeddict-item]

    def job(self, trial: SplitAttempt) -> Job:
        """Say what the annotator has to do for one partition; nothing where there is no choice."""
        name = self.suggestions.text
        labels = trial.partition.labels if len(trial.centres) > 1 else ()
        centres = tuple(
            CentreText(centre.name, centre.description, tuple(map(name, centre.examples)))
            for centre in trial.centres
        )
        return Job(partition_id(trial.partition), tuple(map(name, labels)), centres, trial.partition.path)

    async def stop_on(
        self, errors: Sequence[ModelError | None], state: BuildState, decisions: Sequence[Decision]
    ) -> None:
        """Raise the first error that another try would not mend, once the decisions are kept that cost something.

        A reply that is no valid call is only a bad try.
        """
        first = first_grave(errors)
        if first is None:
            return
        if self.units is not None:
            self.units.finish({}, decisions)
        raise first

    async def validate(self, state: BuildState) -> BuildState:
        """Accept good splits, try others again with what was wrong, part by vectors what cannot be split so."""
        accepted: dict[str, Split] = {}
        waiting: list[Partition] = []
        hopeless: list[SplitAttempt] = []
        for trial in state["trials"]:
            partition = trial.partition
            split, problems = self.judged(trial)
            reasons = (*partition.problems, *(problems or split.problems))
            if not problems:
                accepted[partition.key] = replace(split, problems=reasons)
            elif partition.attempt + 1 < self.policy.attempts:
                waiting.append(replace(partition, attempt=partition.attempt + 1, problems=reasons))
                emit(SplitRefused(partition.key, tuple(problems)))
            elif (mended := repaired(split, len(partition.labels), self.policy)) is not None:
                accepted[partition.key] = replace(mended, problems=reasons)
            else:
                hopeless.append(replace(trial, problems=reasons))
        accepted |= await self.by_vectors(hopeless)
        if self.units is not None:
            rows = {key: split.to_row() for key, split in accepted.items()}
            self.units.finish(rows, state["decisions"])
        for trial in state["trials"]:
            if trial.partition.key in accepted:
                split = accepted[trial.partition.key]
                waiting += self.children(trial.partition, split)
                emit(divided(trial.partition, split))
        return {"waiting": waiting, "splits": accepted, "trials": [], "decisions": []}  # type: ignore[typeddict-item]

    def judged(self, trial: SplitAttempt) -> tuple[Split, list[str]]:
        """Return a trial's split and what is wrong with it."""
        if len(trial.centres) < 2:
            few = f"only {len(trial.centres)} of the proposed categories can be used; at least 2 are needed"
            return Split(problems=trial.problems), [*trial.problems, few]
        split = partitioned(trial)
        return split, found_problems(split, len(trial.partition.labels), self.policy)

    async def by_vectors(self, trials: Sequence[SplitAttempt]) -> dict[str, Split]:
        """Part labels by their vectors where the agents found no split."""
        wishes = [
            VectorQuery(trial.partition.labels, self.policy.wanted(trial.partition), self.architect.seed)
            for trial in trials
        ]
        parts = await self.suggestions.partition_all(wishes)
        return {
            trial.partition.key: Split(
                tuple(centre for centre, _ in found),
                tuple(members for _, members in found),
                (),
                trial.problems,
                fallback=True,
            )
            for trial, found in zip(trials, parts, strict=True)
        }

    def children(self, partition: Partition, split: Split) -> list[Partition]:
        """Return the partitions that a split makes."""
        found = [
            Partition(
                partition.child(number),
                (*partition.path, centre.name),
                members,
                siblings_of(split, number, SIBLING_EXAMPLES),
            )
            for number, (centre, members) in enumerate(zip(split.centres, split.members, strict=True))
        ]
        if split.other:
            named = tuple(Centre(centre.name, centre.description) for centre in split.centres)
            found.append(Partition(partition.child(OTHER), partition.path, split.other, named))
        return found


def divided(partition: Partition, split: Split) -> NodeSplit:
    """Return what is told of a partition that was split."""
    names = tuple(centre.name for centre in split.centres)
    sizes = tuple(map(len, split.members))
    return NodeSplit(partition.key, partition.path, names, sizes, len(split.other), split.fallback)
