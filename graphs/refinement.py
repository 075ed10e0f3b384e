"""A round of refinement: what fits nothing is clustered, changes are proposed, reviewed and made (algorithm 2)."""

from collections.abc import Sequence
from dataclasses import replace

from taxonaut.agents.change_reviewer import Case
from taxonaut.agents.changes import VOTERS, Uncovered
from taxonaut.agents.roles import ReviewsChanges, WritesChanges
from taxonaut.agents.suggestions import Suggestions, Wish
from taxonaut.graphs.vocabulary_policy import VocabularyPolicy
from taxonaut.state.building import Centre
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.records import Decision
from taxonaut.state.refining import Cluster, Draft
from taxonaut.state.vocabulary import ChangeProposal
from taxonaut.tools.propose_category import category_name
from taxonaut.tools.propose_change import Change

SHOWN = 8
"""Items of a cluster that stand for it."""

REPORTS = 4
"""Different reports of annotators that are shown of a cluster."""

ALONE = Change("ignore", "an item like no other")
"""What is done about an item that is a cluster of its own."""

Outcome = tuple[list[Draft], list[Decision], list[ModelError | None]]
"""The drafts afterwards, the decision rows, and what went wrong."""


class Refinement:
    """Feedback and review for all groups at work."""

    def __init__(
        self,
        suggestions: Suggestions[ItemId],
        writer: WritesChanges,
        reviewer: ReviewsChanges,
        policy: VocabularyPolicy,
    ) -> None:
        self.suggestions = suggestions
        self.writer = writer
        self.reviewer = reviewer
        self.policy = policy

    async def feedback(self, run: RunId, drafts: Sequence[Draft]) -> Outcome:
        """Cluster the items of each group that fit nothing; ask what to do about each cluster that is one.

        The items of a cluster of fewer than `smallest` are outliers without a question.
        """
        clusters = await self.clusters(drafts)
        asked = [
            (place, cluster)
            for place, found in enumerate(clusters)
            for cluster in found
            if cluster.size >= self.policy.smallest
        ]
        written = await self.writer.write(run, [self.uncovered(drafts[at], cluster) for at, cluster in asked])
        answers = iter(written)
        proposed = []
        for draft, found in zip(drafts, clusters, strict=True):
            changes = tuple(
                proposal_of(cluster, next(answers).change if cluster.size >= self.policy.smallest else ALONE)
                for cluster in found
            )
            proposed.append(replace(draft, clusters=tuple(found), changes=changes))
        return proposed, [answer.decision for answer in written], [answer.error for answer in written]

    async def clusters(self, drafts: Sequence[Draft]) -> list[list[Cluster]]:
        """Cluster each group's items that fit nothing (Distill of the error reports)."""
        wishes = []
        for draft in drafts:
            items = tuple(draft.group.labels[place] for place in draft.uncovered)
            wishes.append(Wish(items, self.policy.clusters(len(items)), len(draft.rounds)))
        parts = await self.suggestions.clusters(wishes)
        return [
            [cluster_of(draft, centre, items) for centre, items in found]
            for draft, found in zip(drafts, parts, strict=True)
        ]

    def uncovered(self, draft: Draft, cluster: Cluster) -> Uncovered:
        """Return a cluster as agents are shown it."""
        text = self.suggestions.name
        group = draft.group
        examples = tuple(map(text, cluster.examples))
        voters = tuple(map(text, cluster.voters))
        return Uncovered(
            group.key,
            group.path,
            draft.centres,
            cluster.size,
            examples,
            voters,
            cluster.suggestion,
            cluster.why,
        )

    async def review(self, run: RunId, drafts: Sequence[Draft]) -> Outcome:
        """Have each group's proposals reviewed together, and make the changes that are approved."""
        cases = [self.case(draft) for draft in drafts]
        asking = [place for place, case in enumerate(cases) if case.proposals]
        reviews = await self.reviewer.review(run, [cases[place] for place in asking])
        verdicts = dict(zip(asking, (review.verdicts for review in reviews), strict=True))
        changed = [self.changed(draft, verdicts.get(place, ())) for place, draft in enumerate(drafts)]
        decisions = [row for review in reviews for row in review.decisions]
        return changed, decisions, [review.error for review in reviews]

    def case(self, draft: Draft) -> Case:
        """What the architect decides on for one group: all but the outliers."""
        proposals = tuple(
            (self.uncovered(draft, cluster), Change(change.kind, change.problem, change.centre, change.at))
            for cluster, change in zip(draft.clusters, draft.changes, strict=True)
            if change.kind != "ignore"
        )
        return Case(draft.group.key, draft.group.path, draft.centres, proposals)

    def changed(self, draft: Draft, verdicts: Sequence[tuple[bool, str]]) -> Draft:
        """Make the approved changes of a round; one whose name is taken by then is rejected after all."""
        centres = list(draft.centres)
        left = iter(verdicts)
        reviewed = []
        for change in draft.changes:
            if change.kind != "ignore":
                approved, reason = next(left)
                if approved:
                    approved, reason = made(draft, centres, change, reason)
                change = replace(change, approved=approved, reason=reason)
            reviewed.append(change)
        last = replace(draft.rounds[-1], changes=tuple(reviewed))
        return replace(
            draft, centres=tuple(centres), rounds=(*draft.rounds[:-1], last), clusters=(), changes=()
        )


def made(draft: Draft, centres: list[Centre], change: ChangeProposal, reason: str) -> tuple[bool, str]:
    """Make one approved change; say whether that was possible, and why not."""
    assert change.centre is not None
    if change.kind == "expand" and change.at is not None:
        centres[change.at] = widened(centres[change.at], change.centre, change.items)
        return True, reason
    parent = draft.group.path[-1] if draft.group.path else ""
    try:
        category_name(change.centre.name, parent, [centre.name for centre in centres])
    except ToolError as error:
        return False, str(error)
    centres.append(replace(change.centre, examples=change.items))
    return True, reason


def widened(known: Centre, wanted: Centre, items: Sequence[ItemId]) -> Centre:
    """Return an expanded descriptor; what another change of the round made it include stays."""
    includes = tuple(dict.fromkeys((*known.includes, *wanted.includes)))
    return replace(
        wanted,
        examples=tuple(dict.fromkeys((*known.examples, *items))),
        includes=includes,
        excludes=tuple(each for each in wanted.excludes if each not in includes),
    )


def cluster_of(draft: Draft, centre: Centre, items: Sequence[ItemId]) -> Cluster:
    """Describe one cluster of a group's items; those that vote on it do not stand for it, if there are others."""
    central = tuple(ItemId(item) for item in centre.examples[:SHOWN])
    shown = set(central)
    others = [item for item in items if item not in shown] or list(items)
    voters = others[:: max(1, len(others) // VOTERS)][:VOTERS]
    reports = dict(zip(draft.group.labels, draft.why, strict=True)) if draft.why else {}
    why = dict.fromkeys(reports[item] for item in items if reports.get(item))
    suggestion = Centre(centre.name, examples=central)
    return Cluster(len(items), central, tuple(voters), suggestion, tuple(why)[:REPORTS])


def proposal_of(cluster: Cluster, change: Change) -> ChangeProposal:
    """Return a change with the cluster it is for, as it is kept."""
    return ChangeProposal(
        change.kind, change.problem, cluster.size, cluster.examples, change.centre, change.at
    )
