"""Build an index over labels by agents: self-construction (XMC-Agent 2.2.1, algorithms 1 and 2).

Sample, propose centres, assign every label to all centres that fit, partition, validate, and repeat for every
partition that is too large. Each super-step takes all waiting partitions, of any branch and level, with all
requests in flight together; a rejected split is retried along with the next level of the accepted ones.
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
from taxonaut.graphs.sync_bridge import as_problems, first_fatal, step
from taxonaut.state.errors import ModelError
from taxonaut.state.graph_states.build_index import (
    OTHER,
    BuildInput,
    BuildState,
    Centre,
    Partition,
    Split,
    SplitAttempt,
    is_at_or_below,
)
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import CentresProposed, NodeSplit, PartitionStarted, Progress, SplitRefused
from taxonaut.tools.write.propose_category import fold_name

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


FEWEST_COMPARED = 3
"""Fewest labels of a centre for which overlap is tested."""


def partition_labels(trial: SplitAttempt) -> Split:
    """Group labels by their centres; a label may be in several, and without one is in *other*."""
    members: list[list[LabelId]] = [[] for _ in trial.centres]
    other: list[LabelId] = []
    for label, centres in zip(trial.partition.labels, trial.assigned, strict=True):
        for number in centres:
            members[number].append(label)
        if not centres:
            other.append(label)
    return Split(trial.centres, tuple(map(tuple, members)), tuple(other), trial.problems)


def find_problems(split: Split, labels: int, policy: BuildPolicy) -> list[str]:
    """Return what is wrong with a split of so many labels, as sentences for the architect."""
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
    """Return pairs of centres with the same words in their names or nearly the same labels."""
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


def repair_split(split: Split, labels: int, policy: BuildPolicy) -> Split | None:
    """Drop empty centres and merge near-duplicates; return None if the result is still no valid split."""
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
    good = len(members) >= 2 and not find_problems(result, labels, policy)
    return result if good else None


def sibling_centres(split: Split, number: int, examples: int) -> tuple[Centre, ...]:
    """Return a centre's siblings, each with some of its labels as examples."""
    return tuple(
        Centre(centre.name, centre.description, sample_evenly(members, examples))
        for place, (centre, members) in enumerate(zip(split.centres, split.members, strict=True))
        if place != number
    )


def sample_evenly(labels: Sequence[LabelId], most: int) -> tuple[LabelId, ...]:
    """Return at most `most` labels, evenly spaced."""
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
    """Build the graph; compile it and invoke it with ids of labels. Merge the `splits` of the output.

    With `units`, each accepted split is stored as a unit of a run with the decisions that led to it, and a killed
    build continues from there. Raises the ModelError of an unavailable model; an invalid reply counts as a failed
    attempt. A split that lacks an answer in the end is in `failed` of the output, and is not stored, nor is what is
    below it: the next build with these units asks again.
    """
    from langgraph.graph import END, START, StateGraph

    steps = Steps(suggestions, architect, annotator, policy or BuildPolicy(), units)
    graph = StateGraph(BuildState, input_schema=BuildInput, output_schema=BuildState)
    graph.add_node("start", step(steps.start))
    graph.add_node("take", step(steps.take))
    graph.add_node("propose", step(steps.propose))
    graph.add_node("assign", step(steps.assign))
    graph.add_node("validate", step(steps.validate))
    graph.add_edge(START, "start")
    graph.add_edge("start", "take")
    graph.add_conditional_edges("take", steps.after_take, ["propose", END])
    graph.add_edge("propose", "assign")
    graph.add_edge("assign", "validate")
    graph.add_edge("validate", "take")
    return graph


class Steps:
    """The graph's nodes over their agents; holds no state of a build."""

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
        """Start with the partition of all labels."""
        part = state.get("part", Partition("", (), ()))
        everything = replace(part, key="", labels=tuple(state["label_ids"]))
        return {  # type: ignore[typeddict-item]
            "waiting": [everything],
            "splits": {},
            "errors": {},
            "failed": {},
            "decisions": [],
            "settled": 0,
        }

    async def take(self, state: BuildState) -> BuildState:
        """Skip partitions that are small enough or were split by an earlier call of this run."""
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
                    emit(split_update(partition, splits[partition.key]))
                else:
                    todo.append(partition)
        total = len(state["label_ids"])
        emit(Progress("splitting by agents", min(settled, total), total))
        return {"waiting": todo, "splits": splits, "trials": [], "settled": settled}  # type: ignore[typeddict-item]

    def after_take(self, state: BuildState) -> str:
        """Continue while partitions are too large."""
        from langgraph.graph import END

        return "propose" if state["waiting"] else END

    async def propose(self, state: BuildState) -> BuildState:
        """Let the architect propose centres for every waiting partition."""
        waiting = state["waiting"]
        for part in waiting:
            emit(PartitionStarted(part.key, part.path, len(part.labels), part.attempt))
        proposals = await self.architect.propose(
            waiting, [self.policy.wanted(partition) for partition in waiting]
        )
        decisions = [proposal.decision for proposal in proposals]
        await self.raise_fatal([proposal.error for proposal in proposals], state, decisions)
        trials = [
            SplitAttempt(
                partition,
                proposal.centres,
                (*proposal.problems, *as_problems(proposal.error)),
                error=str(proposal.error or ""),
            )
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
        await self.raise_fatal([result.error for result in results], state, [*state["decisions"], *decisions])
        trials = [
            replace(
                trial,
                assigned=result.each,
                problems=(*trial.problems, *as_problems(result.error)),
                error=str(result.error or trial.error),
            )
            for trial, result in zip(state["trials"], results, strict=True)
        ]
        return {"trials": trials, "decisions": [*state["decisions"], *decisions]}  # type: ignore[typeddict-item]

    def job(self, trial: SplitAttempt) -> Job:
        """Return the annotator's job for one partition; it has no labels if there is only one centre."""
        name = self.suggestions.text
        labels = trial.partition.labels if len(trial.centres) > 1 else ()
        centres = tuple(
            CentreText(centre.name, centre.description, tuple(map(name, centre.examples)))
            for centre in trial.centres
        )
        return Job(partition_id(trial.partition), tuple(map(name, labels)), centres, trial.partition.path)

    async def raise_fatal(
        self, errors: Sequence[ModelError | None], state: BuildState, decisions: Sequence[Decision]
    ) -> None:
        """Raise the first error that a retry cannot fix, after storing the decisions."""
        first = first_fatal(errors)
        if first is None:
            return
        if self.units is not None:
            self.units.finish({}, decisions)
        raise first

    async def validate(self, state: BuildState) -> BuildState:
        """Accept valid splits, retry others with their problems, and in the end split by vectors."""
        accepted: dict[str, Split] = {}
        waiting: list[Partition] = []
        rejected: list[SplitAttempt] = []
        errors = {trial.partition.key: trial.error for trial in state["trials"] if trial.error}
        known = state["errors"] | errors
        answered: set[str] = set()
        for trial in state["trials"]:
            partition = trial.partition
            split, problems = self.judge(trial)
            reasons = (*partition.problems, *(problems or split.problems))
            if not problems:
                accepted[partition.key] = replace(split, problems=reasons)
                if not trial.error:
                    answered.add(partition.key)
            elif partition.attempt + 1 < self.policy.attempts:
                waiting.append(replace(partition, attempt=partition.attempt + 1, problems=reasons))
                emit(SplitRefused(partition.key, tuple(problems)))
            elif (fixed := repair_split(split, len(partition.labels), self.policy)) is not None:
                accepted[partition.key] = replace(fixed, problems=reasons)
            else:
                rejected.append(replace(trial, problems=reasons))
        accepted |= await self.split_by_vectors(rejected)
        failed = {key: known[key] for key in accepted if key in known and key not in answered}
        if self.units is not None:
            unfinished = state["failed"] | failed
            rows = {
                key: split.to_row() for key, split in accepted.items() if not is_at_or_below(key, unfinished)
            }
            self.units.finish(rows, state["decisions"])
        for trial in state["trials"]:
            if trial.partition.key in accepted:
                split = accepted[trial.partition.key]
                waiting += self.children(trial.partition, split)
                emit(split_update(trial.partition, split))
        return {  # type: ignore[typeddict-item]
            "waiting": waiting,
            "splits": accepted,
            "errors": errors,
            "failed": failed,
            "trials": [],
            "decisions": [],
        }

    def judge(self, trial: SplitAttempt) -> tuple[Split, list[str]]:
        """Return a trial's split and its problems."""
        if len(trial.centres) < 2:
            few = f"only {len(trial.centres)} of the proposed categories can be used; at least 2 are needed"
            return Split(problems=trial.problems), [*trial.problems, few]
        split = partition_labels(trial)
        return split, find_problems(split, len(trial.partition.labels), self.policy)

    async def split_by_vectors(self, trials: Sequence[SplitAttempt]) -> dict[str, Split]:
        """Cluster labels by their vectors where the agents found no valid split."""
        wishes = [
            VectorQuery(
                trial.partition.labels,
                self.policy.wanted(trial.partition),
                self.architect.seed,
                trial.partition.path,
            )
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
        """Return the partitions of a split."""
        found = [
            Partition(
                partition.child(number),
                (*partition.path, centre.name),
                members,
                sibling_centres(split, number, SIBLING_EXAMPLES),
            )
            for number, (centre, members) in enumerate(zip(split.centres, split.members, strict=True))
        ]
        if split.other:
            named = tuple(Centre(centre.name, centre.description) for centre in split.centres)
            found.append(Partition(partition.child(OTHER), partition.path, split.other, named))
        return found


def split_update(partition: Partition, split: Split) -> NodeSplit:
    """Return the update for a partition that was split."""
    names = tuple(centre.name for centre in split.centres)
    sizes = tuple(map(len, split.members))
    return NodeSplit(partition.key, partition.path, names, sizes, len(split.other), split.fallback)
