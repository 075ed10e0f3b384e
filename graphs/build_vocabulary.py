"""Build a vocabulary of descriptors over items, level by level (AgenticTagger 4.1, algorithms 1 and 2).

For every group of items that is large enough: distil a sample, propose descriptors, let annotators assign them,
cluster the uncovered items, write a change proposal for each cluster, review all of them together, and assign
again, until enough items are covered; then the items of each descriptor are groups of the next level. Each
super-step takes all groups at once, whatever their level or round, with all requests in flight together.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from taxonaut.agents.annotator import CentreText, Job
from taxonaut.agents.change_reviewer import Case
from taxonaut.agents.roles import Assigns, Proposes, ReviewsChanges, WritesChanges
from taxonaut.agents.support.descriptor_changes import VOTERS, UncoveredCluster
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
from taxonaut.graphs.policies import VocabularyPolicy
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import as_problems, first_fatal, step
from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.graph_states.build_index import Centre, Partition, is_at_or_below
from taxonaut.state.graph_states.build_vocabulary import (
    Cluster,
    Draft,
    ItemGroup,
    VocabularyInput,
    VocabularyState,
)
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, distinct_items
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import (
    CentresProposed,
    ChangesReviewed,
    NodeSplit,
    PartitionStarted,
    Progress,
    RoundFinished,
)
from taxonaut.tools.write.propose_category import category_name
from taxonaut.tools.write.propose_change import DescriptorChange

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


SHOWN = 8
"""Example items of a cluster."""

REPORTS = 4
"""Different annotator reports shown of a cluster."""

OUTLIER = DescriptorChange("ignore", "an item like no other")
"""The change for a cluster that is too small."""

Outcome = tuple[list[Draft], list[Decision], list[ModelError | None]]
"""The changed drafts, the decision rows and the errors."""


class Refinement:
    """Feedback and review of all drafts."""

    def __init__(
        self,
        suggestions: VectorClusters[ItemId],
        writer: WritesChanges,
        reviewer: ReviewsChanges,
        policy: VocabularyPolicy,
    ) -> None:
        self.suggestions = suggestions
        self.writer = writer
        self.reviewer = reviewer
        self.policy = policy

    async def feedback(self, drafts: Sequence[Draft]) -> Outcome:
        """Cluster the uncovered items of each group, and ask for a change for each cluster.

        Clusters of fewer than `smallest` items are outliers; no question is asked about them.
        """
        clusters = await self.clusters(drafts)
        asked = [
            (place, cluster)
            for place, found in enumerate(clusters)
            for cluster in found
            if cluster.size >= self.policy.smallest
        ]
        written = await self.writer.write([self.uncovered(drafts[at], cluster) for at, cluster in asked])
        answers = iter(written)
        errors = {
            at: str(answer.error) for (at, _), answer in zip(asked, written, strict=True) if answer.error
        }
        proposed = []
        for place, (draft, found) in enumerate(zip(drafts, clusters, strict=True)):
            changes = tuple(
                make_proposal(
                    cluster, next(answers).change if cluster.size >= self.policy.smallest else OUTLIER
                )
                for cluster in found
            )
            error = errors.get(place, draft.error)
            proposed.append(replace(draft, clusters=tuple(found), changes=changes, error=error))
        return proposed, [answer.decision for answer in written], [answer.error for answer in written]

    async def clusters(self, drafts: Sequence[Draft]) -> list[list[Cluster]]:
        """Cluster each group's uncovered items (Distill of the error reports)."""
        wishes = []
        for draft in drafts:
            items = tuple(draft.group.labels[place] for place in draft.uncovered)
            taken = (*draft.group.path, *(centre.name for centre in draft.centres))
            wishes.append(VectorQuery(items, self.policy.clusters(len(items)), len(draft.rounds), taken))
        parts = await self.suggestions.cluster_all(wishes)
        return [
            [make_cluster(draft, centre, items) for centre, items in found]
            for draft, found in zip(drafts, parts, strict=True)
        ]

    def uncovered(self, draft: Draft, cluster: Cluster) -> UncoveredCluster:
        """Return a cluster as it is shown to agents."""
        text = self.suggestions.text
        group = draft.group
        examples = tuple(map(text, cluster.examples))
        voters = tuple(map(text, cluster.voters))
        return UncoveredCluster(
            group.key,
            group.path,
            draft.centres,
            cluster.size,
            examples,
            voters,
            cluster.suggestion,
            cluster.why,
        )

    async def review(self, drafts: Sequence[Draft]) -> Outcome:
        """Have each group's proposals reviewed together, and apply the approved changes."""
        cases = [self.review_case(draft) for draft in drafts]
        asking = [place for place, case in enumerate(cases) if case.proposals]
        reviews = await self.reviewer.review([cases[place] for place in asking])
        verdicts = dict(zip(asking, (review.verdicts for review in reviews), strict=True))
        errors = {at: str(review.error) for at, review in zip(asking, reviews, strict=True) if review.error}
        changed = [
            self.apply_changes(replace(draft, error=errors.get(place, draft.error)), verdicts.get(place, ()))
            for place, draft in enumerate(drafts)
        ]
        decisions = [row for review in reviews for row in review.decisions]
        return changed, decisions, [review.error for review in reviews]

    def review_case(self, draft: Draft) -> Case:
        """Return the proposals of one group for review, without outliers."""
        proposals = tuple(
            (
                self.uncovered(draft, cluster),
                DescriptorChange(change.kind, change.problem, change.centre, change.at),
            )
            for cluster, change in zip(draft.clusters, draft.changes, strict=True)
            if change.kind != "ignore"
        )
        return Case(draft.group.key, draft.group.path, draft.centres, proposals)

    def apply_changes(self, draft: Draft, verdicts: Sequence[tuple[bool, str]]) -> Draft:
        """Apply the approved changes of a round; one whose name is taken by then is rejected."""
        centres = list(draft.centres)
        left = iter(verdicts)
        reviewed = []
        for change in draft.changes:
            if change.kind != "ignore":
                approved, reason = next(left)
                if approved:
                    approved, reason = apply_change(draft, centres, change, reason)
                change = replace(change, approved=approved, reason=reason)
            reviewed.append(change)
        last = replace(draft.rounds[-1], changes=tuple(reviewed))
        return replace(
            draft, centres=tuple(centres), rounds=(*draft.rounds[:-1], last), clusters=(), changes=()
        )


def apply_change(
    draft: Draft, centres: list[Centre], change: ChangeProposal, reason: str
) -> tuple[bool, str]:
    """Apply one approved change; return whether that was possible, and the reason."""
    assert change.centre is not None
    if change.kind == "expand" and change.at is not None:
        centres[change.at] = widen(centres[change.at], change.centre, change.items)
        return True, reason
    parent = draft.group.path[-1] if draft.group.path else ""
    try:
        category_name(change.centre.name, parent, [centre.name for centre in centres])
    except ToolError as error:
        return False, str(error)
    centres.append(replace(change.centre, examples=change.items))
    return True, reason


def widen(known: Centre, wanted: Centre, items: Sequence[ItemId]) -> Centre:
    """Return an expanded descriptor; includes added by other changes of the round stay."""
    includes = tuple(dict.fromkeys((*known.includes, *wanted.includes)))
    return replace(
        wanted,
        examples=tuple(dict.fromkeys((*known.examples, *items))),
        includes=includes,
        excludes=tuple(each for each in wanted.excludes if each not in includes),
    )


def make_cluster(draft: Draft, centre: Centre, items: Sequence[ItemId]) -> Cluster:
    """Return a cluster of a group's items; voters are not among its examples, if there are enough items."""
    central = tuple(ItemId(item) for item in centre.examples[:SHOWN])
    shown = set(central)
    others = [item for item in items if item not in shown] or list(items)
    voters = others[:: max(1, len(others) // VOTERS)][:VOTERS]
    reports = dict(zip(draft.group.labels, draft.why, strict=True)) if draft.why else {}
    why = dict.fromkeys(reports[item] for item in items if reports.get(item))
    suggestion = Centre(centre.name, examples=central)
    return Cluster(len(items), central, tuple(voters), suggestion, tuple(why)[:REPORTS])


def make_proposal(cluster: Cluster, change: DescriptorChange) -> ChangeProposal:
    """Return a change with its cluster, for storage."""
    return ChangeProposal(
        change.kind, change.problem, cluster.size, cluster.examples, change.centre, change.at
    )


SIBLING_EXAMPLES = 3


def build_vocabulary(
    suggestions: VectorClusters[ItemId],
    architect: Proposes[ItemId],
    annotator: Assigns,
    writer: WritesChanges,
    reviewer: ReviewsChanges,
    policy: VocabularyPolicy | None = None,
    units: RunUnits | None = None,
) -> "StateGraph[VocabularyState, None, VocabularyInput, VocabularyState]":
    """Build the graph; compile it and invoke it with items. `refined` of the output is the vocabulary.

    With `units`, each finished group is stored as a unit of a run with the decisions that led to it, and a killed
    build continues from there. A group whose refinement lacks an answer is in `failed` of the output; it and what is
    below it are stored apart (`failed_unit`), and the next build with these units asks again. Raises the ModelError
    of an unavailable model.
    """
    from langgraph.graph import END, START, StateGraph

    policy = policy or VocabularyPolicy()
    refinement = Refinement(suggestions, writer, reviewer, policy)
    steps = Steps(suggestions, architect, annotator, refinement, policy, units)
    graph = StateGraph(VocabularyState, input_schema=VocabularyInput, output_schema=VocabularyState)
    graph.add_node("start", step(steps.start))
    graph.add_node("take", step(steps.take))
    graph.add_node("propose", step(steps.propose))
    graph.add_node("annotate", step(steps.annotate))
    graph.add_node("settle", step(steps.settle))
    graph.add_node("feedback", step(steps.feedback))
    graph.add_node("review", step(steps.review))
    graph.add_edge(START, "start")
    graph.add_edge("start", "take")
    graph.add_conditional_edges("take", steps.after_take, ["propose", END])
    graph.add_edge("propose", "annotate")
    graph.add_edge("annotate", "settle")
    graph.add_edge("settle", "feedback")
    graph.add_edge("feedback", "review")
    graph.add_edge("review", "take")
    return graph


class Steps:
    """The graph's nodes over their agents; holds no state of a build."""

    def __init__(
        self,
        suggestions: VectorClusters[ItemId],
        architect: Proposes[ItemId],
        annotator: Assigns,
        refinement: Refinement,
        policy: VocabularyPolicy,
        units: RunUnits | None,
    ) -> None:
        self.suggestions = suggestions
        self.architect = architect
        self.annotator = annotator
        self.refinement = refinement
        self.policy = policy
        self.units = units

    async def start(self, state: VocabularyState) -> VocabularyState:
        """Start with the group of all items."""
        everything: ItemGroup = Partition("", (), tuple(item.id for item in distinct_items(state["items"])))
        return {  # type: ignore[typeddict-item]
            "waiting": [everything],
            "drafts": [],
            "refined": {},
            "failed": {},
            "decisions": [],
        }

    async def take(self, state: VocabularyState) -> VocabularyState:
        """Skip groups that are not split or were split by an earlier call of this run."""
        known: dict[str, RefinedGroup] = {}
        todo: list[ItemGroup] = []
        waiting = state["waiting"]
        while waiting:
            large = [group for group in waiting if self.policy.divides(group)]
            keys = [group.key for group in large]
            kept = self.units.finished(keys) if self.units is not None else {}
            waiting = []
            for group in large:
                if group.key in kept:
                    known[group.key] = RefinedGroup.from_row(kept[group.key])
                    emit(split_update(group, known[group.key]))
                    waiting += self.children(group, known[group.key])
                else:
                    todo.append(group)
        done = len(state["refined"] | known)
        emit(Progress("building", done, done + len(todo) + len(state["drafts"])))
        return {"waiting": todo, "refined": known}  # type: ignore[typeddict-item]

    def after_take(self, state: VocabularyState) -> str:
        """Continue while groups wait or drafts are in progress."""
        from langgraph.graph import END

        return "propose" if state["waiting"] or state["drafts"] else END

    async def propose(self, state: VocabularyState) -> VocabularyState:
        """Let the architect propose descriptors for every new group; word statistics are the fallback."""
        groups = state["waiting"]
        for group in groups:
            emit(PartitionStarted(group.key, group.path, len(group.labels)))
        proposals = await self.architect.propose(groups, [self.policy.wanted(group) for group in groups])
        decisions = [*state["decisions"], *(proposal.decision for proposal in proposals)]
        self.raise_fatal([proposal.error for proposal in proposals], state, decisions)
        poor = [place for place, proposal in enumerate(proposals) if len(proposal.centres) < 2]
        wishes = [
            VectorQuery(
                groups[place].labels,
                self.policy.wanted(groups[place]),
                self.architect.seed,
                groups[place].path,
            )
            for place in poor
        ]
        suggested = dict(zip(poor, await self.suggestions.suggest_all(wishes), strict=True))
        drafts = []
        for place, (group, proposal) in enumerate(zip(groups, proposals, strict=True)):
            problems = (*proposal.problems, *as_problems(proposal.error))
            centres = proposal.centres
            if place in suggested:
                centres = tuple(suggested[place])
                problems += (
                    f"{len(proposal.centres)} usable descriptors were proposed; word statistics gave these",
                )
            drafts.append(Draft(group, centres, len(centres), problems, error=str(proposal.error or "")))
            emit(CentresProposed(group.key, tuple(centre.name for centre in centres)))
        return {"waiting": [], "drafts": [*state["drafts"], *drafts], "decisions": decisions}  # type: ignore[typeddict-item]

    async def annotate(self, state: VocabularyState) -> VocabularyState:
        """Let annotators assign the items of all drafts with new descriptors (ParallelAssign)."""
        changed = [place for place, draft in enumerate(state["drafts"]) if is_changed(draft)]
        results = await self.annotator.assign([self.job(state["drafts"][place]) for place in changed])
        decisions = [*state["decisions"], *(row for result in results for row in result.decisions)]
        self.raise_fatal([result.error for result in results], state, decisions)
        drafts = list(state["drafts"])
        for place, result in zip(changed, results, strict=True):
            draft = drafts[place]
            drafts[place] = replace(
                draft,
                assigned=result.each,
                why=result.why,
                problems=(*draft.problems, *as_problems(result.error)),
                error=str(result.error or draft.error),
                rounds=(*draft.rounds, Round(len(result.each), sum(map(bool, result.each)))),
            )
            last = drafts[place].rounds[-1]
            emit(RoundFinished(draft.group.key, len(drafts[place].rounds), last.items, last.assigned))
        return {"drafts": drafts, "decisions": decisions}  # type: ignore[typeddict-item]

    def job(self, draft: Draft) -> Job:
        """Return the annotator's job for one draft."""
        text = self.suggestions.text
        centres = tuple(
            CentreText(c.name, c.description, tuple(map(text, c.examples)), c.includes, c.excludes)
            for c in draft.centres
        )
        key = f"group {draft.group.key or 'root'} round {len(draft.rounds) + 1}"
        return Job(key, tuple(map(text, draft.group.labels)), centres, draft.group.path)

    async def settle(self, state: VocabularyState) -> VocabularyState:
        """Finish groups that need no further round; their descriptors' items are groups of the next level."""
        done: dict[str, RefinedGroup] = {}
        failed: dict[str, str] = {}
        waiting: list[ItemGroup] = []
        continued: list[Draft] = []
        for draft in state["drafts"]:
            if self.needs_round(draft):
                continued.append(draft)
            else:
                done[draft.group.key] = self.refine(draft)
                failed |= {draft.group.key: draft.error} if draft.error else {}
                emit(split_update(draft.group, done[draft.group.key]))
                waiting += self.children(draft.group, done[draft.group.key])
        decisions = state["decisions"]
        if self.units is not None and done:
            unfinished = state["failed"] | failed
            rows = {
                failed_unit(key) if is_at_or_below(key, unfinished) else key: refined.to_row()
                for key, refined in done.items()
            }
            self.units.finish(rows, decisions)
            decisions = []
        return {  # type: ignore[typeddict-item]
            "waiting": waiting,
            "drafts": continued,
            "refined": done,
            "failed": failed,
            "decisions": decisions,
        }

    def needs_round(self, draft: Draft) -> bool:
        """Tell whether a draft gets another round: it needs one, may have one, and the last one changed something."""
        idle = bool(draft.rounds[-1].changes)
        if idle or self.policy.is_covered(len(draft.assigned), len(draft.uncovered)):
            return False
        return len(draft.rounds) <= self.policy.max_refinement_cycles

    def refine(self, draft: Draft) -> RefinedGroup:
        """Group a draft's items by descriptor; descriptors with too few items are dropped."""
        branching = self.policy.branching or len(draft.centres)
        members: list[list[ItemId]] = [[] for _ in draft.centres]
        for item, numbers in zip(draft.group.labels, draft.assigned, strict=True):
            for number in numbers[:branching]:
                members[number].append(item)
        least = self.policy.smallest if len(draft.group.labels) >= self.policy.split_threshold else 1
        kept = [number for number, items in enumerate(members) if len(items) >= least]
        problems = draft.problems
        if len(kept) < 2 and draft.group.key:
            problems += (f"only {len(kept)} of {len(draft.centres)} descriptors have {least} or more items",)
            kept = []
        covered = {item for number in kept for item in members[number]}
        return RefinedGroup(
            tuple(draft.centres[number] for number in kept),
            tuple(tuple(members[number]) for number in kept),
            tuple(item for item in draft.group.labels if item not in covered),
            sum(number < draft.initial for number in kept),
            renumber(draft.rounds, kept),
            problems,
        )

    async def feedback(self, state: VocabularyState) -> VocabularyState:
        """Cluster the uncovered items of each draft, and have a change proposed for each cluster."""
        drafts, decisions, errors = await self.refinement.feedback(state["drafts"])
        decisions = [*state["decisions"], *decisions]
        self.raise_fatal(errors, state, decisions)
        return {"drafts": drafts, "decisions": decisions}  # type: ignore[typeddict-item]

    async def review(self, state: VocabularyState) -> VocabularyState:
        """Let the architect review each draft's proposals together, and apply those it approves."""
        drafts, decisions, errors = await self.refinement.review(state["drafts"])
        decisions = [*state["decisions"], *decisions]
        self.raise_fatal(errors, state, decisions)
        for draft in drafts:
            changes = [change for change in draft.rounds[-1].changes if change.approved is not None]
            made = sum(bool(change.approved) for change in changes)
            emit(ChangesReviewed(draft.group.key, len(draft.rounds), len(changes), made))
        return {"drafts": drafts, "decisions": decisions}  # type: ignore[typeddict-item]

    def children(self, group: ItemGroup, refined: RefinedGroup) -> list[ItemGroup]:
        """Return the groups of a finished group's descriptors."""
        pairs = list(zip(refined.centres, refined.members, strict=True))
        return [
            Partition(
                group.child(number),
                (*group.path, centre.name),
                members,
                tuple(
                    Centre(other.name, other.description, items[:SIBLING_EXAMPLES])
                    for place, (other, items) in enumerate(pairs)
                    if place != number
                ),
            )
            for number, (centre, members) in enumerate(pairs)
        ]

    def raise_fatal(
        self, errors: Sequence[ModelError | None], state: VocabularyState, decisions: Sequence[Decision]
    ) -> None:
        """Raise the first error that a retry cannot fix, after storing the decisions."""
        first = first_fatal(errors)
        if first is None:
            return
        if self.units is not None:
            self.units.finish({}, decisions)
        raise first


def failed_unit(key: str) -> str:
    """Return the key of the unit of a group whose refinement lacks an answer, or is below such a group."""
    return f"failed {key}"


def split_update(group: ItemGroup, refined: RefinedGroup) -> NodeSplit:
    """Return the update for a finished group."""
    names = tuple(centre.name for centre in refined.centres)
    sizes = tuple(map(len, refined.members))
    return NodeSplit(group.key, group.path, names, sizes, len(refined.uncovered))


def is_changed(draft: Draft) -> bool:
    """Tell whether a draft's descriptors changed since its items were last assigned."""
    return not draft.rounds or any(change.approved for change in draft.rounds[-1].changes)


def renumber(rounds: Sequence[Round], kept: Sequence[int]) -> tuple[Round, ...]:
    """Renumber the descriptors in the changes of rounds by their place among `kept`; None if dropped."""
    places = {number: place for place, number in enumerate(kept)}
    return tuple(
        replace(
            each,
            changes=tuple(
                change if change.at is None else replace(change, at=places.get(change.at))
                for change in each.changes
            ),
        )
        for each in rounds
    )
