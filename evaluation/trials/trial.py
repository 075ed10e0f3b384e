"""Compare two versions of a template: run both on the same items, and report quality, cost and changed decisions."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.harness import check_rows
from taxonaut.evaluation.measures.comparison import bound_differences, bound_means, score_each_item
from taxonaut.evaluation.trials.changed_decisions import (
    Change,
    DecisionLookup,
    find_changes,
    latest_decisions,
)
from taxonaut.evaluation.trials.trial_run import Found, Reader, configure, find_reader, run_version
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, distinct_items
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.prompt_trials import PromptTrials
from taxonaut.state.updates import OnUpdate, listening, staged
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.prompt_lab.template_versions import (
    PACKAGED,
    Version,
    effective_version,
    find_version,
    packaged_version,
)
from taxonaut.workspace.workspace import Workspace

SIGNIFICANT = 0.05
"""The significance level."""


@dataclass(frozen=True, slots=True)
class McNemar:
    """Items right after and wrong before (`better`), the other way round (`worse`), and as before (`same`).

    `p` is that of McNemar's exact test, two-sided: how often better and worse would be divided at least as
    unevenly if either were as likely as the other (McNemar 1947).
    """

    better: int
    worse: int
    same: int
    p: float

    @property
    def words(self) -> str:
        """Say how many items are better and worse, and whether that may be chance."""
        if not self.better + self.worse:
            return "none better, none worse"
        said = f"{self.better:,} better, {self.worse:,} worse"
        if self.p < SIGNIFICANT:
            return f"{said}; chance alone would seldom do this (p {format_p(self.p)})"
        return f"{said}; this could be chance (p {format_p(self.p)})"


def mcnemar(before: Sequence[bool] | NDArray[np.bool_], after: Sequence[bool] | NDArray[np.bool_]) -> McNemar:
    """Run McNemar's exact test on which items were right, in the same order."""
    was, is_now = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    better, worse = int(np.sum(is_now & ~was)), int(np.sum(was & ~is_now))
    return McNemar(better, worse, len(was) - better - worse, exact_p_value(better, worse))


def exact_p_value(better: int, worse: int) -> float:
    """Return the two-sided binomial p-value of a split at least as uneven, with probability 1/2."""
    count, less = better + worse, min(better, worse)
    tail = sum(comb(count, each) for each in range(less + 1))
    return float(min(1.0, 2 * tail / 2**count))


def bound_paired_differences(
    before: Mapping[str, NDArray[np.float64]], after: Mapping[str, NDArray[np.float64]]
) -> dict[str, Interval]:
    """Bootstrap each measure's mean paired difference, after minus before."""
    return bound_differences(after, before) if after and len(next(iter(after.values()))) else {}


def format_p(p: float) -> str:
    """Return a p-value with its sign of comparison."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


FIRST = "P@1"
CUTOFFS = (1, 5, 10)
MEASURES = (FIRST, "R@5", "R@10", "MRR")
"""As in `evaluate`; where each item has one category, P@1 is the accuracy."""


Values = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a version on these items.

    `requests` that a language model was needed for. Of them `asked` went to it in this call, `cached` came from
    the cache, and the rest is kept from a former trial. Tokens are those of all requests, whenever they were
    made; `seconds` is the time of this call.
    """

    requests: int
    asked: int
    cached: int
    prompt_tokens: int
    reused_tokens: int
    completion_tokens: int
    seconds: float

    @property
    def kept(self) -> int:
        """Requests that a former trial made."""
        return max(0, self.requests - self.asked - self.cached)


@dataclass(frozen=True, slots=True)
class Side:
    """One version: the labels it found, their quality, and the cost.

    `origin` is `packaged`, `workspace` (the edited copy) or `kept`; where blocks evolve `in use` or `proposed`.
    `quality` bounds each measure, empty without gold labels. `without_label`: items that got none. `decisions` of the
    template, of which `abstained` chose nothing and `failed` got no answer.
    """

    hash: str
    origin: str
    found: tuple[Found, ...] = field(repr=False)
    quality: Mapping[str, Interval]
    cost: Cost
    without_label: int
    decisions: int
    abstained: int
    failed: int


@dataclass(frozen=True, slots=True)
class TrialReport:
    """Two versions of a template on the same items.

    `asked_items` are those whose items the template was read for. `compared` decisions were made by both, `alike`
    of them from the same rendered prompt; where all are, the versions render the same. `differences` bound
    each measure's mean difference, `first` compares what stood first; both are empty without gold labels.
    `changes` are the decisions that differ, worst first.
    """

    template: str
    items: int
    with_gold: int
    asked_items: int
    before: Side
    after: Side
    differences: Mapping[str, Interval]
    first: McNemar | None
    compared: int
    alike: int
    changes: tuple[Change, ...]

    @property
    def renders_the_same(self) -> bool:
        """Whether the change is neutral: every prompt is the same under both versions."""
        same = self.before.decisions == self.after.decisions == self.compared
        return same and self.alike == self.compared and self.compared > 0


async def atry_version(
    workspace: Workspace,
    name: str,
    rows: Sequence[ItemRow],
    *,
    against: str = PACKAGED,
    seed: int | None = None,
    everything: bool = False,
    on_update: OnUpdate | None = None,
) -> TrialReport:
    """Run the version `against` (a hash or `packaged`) and the effective one on items, and compare.

    Both runs are kept: interrupted and called again, it continues, and prompts that are the same come from the cache.
    `everything`: all items go to the general expert, for templates of `categorize`. Raises InputError where the
    template cannot be tried, both versions are the same, or there are no items.
    """
    how = find_reader(workspace, name)
    check_rows(workspace, rows)
    versions = two_versions(workspace, name, against)
    base = configure(workspace, how, seed)
    sides: list[Run] = []
    items = distinct_items(row.item for row in rows)
    for (version, origin), title in zip(versions, ("before", "after"), strict=True):
        with listening(on_update), staged(title, len(items)):
            sides.append(await run_side(base, how, version, origin, items, everything=everything))
    report = compare_runs(workspace, name, rows, sides[0], sides[1])
    store_report(workspace, report, items)
    return report


def try_version(
    workspace: Workspace,
    name: str,
    rows: Sequence[ItemRow],
    *,
    against: str = PACKAGED,
    seed: int | None = None,
    everything: bool = False,
    on_update: OnUpdate | None = None,
) -> TrialReport:
    """Run `atry_version` from synchronous code."""
    work = atry_version(
        workspace,
        name,
        rows,
        against=against,
        seed=seed,
        everything=everything,
        on_update=on_update,
    )
    return PORTAL.run(work)


def two_versions(workspace: Workspace, name: str, against: str) -> tuple[tuple[Version, str], ...]:
    """Return the version to compare with and the effective one, each with its origin."""
    after = effective_version(workspace, name)
    before = find_version(workspace, against, name)
    if before.hash == after.hash:
        if workspace.prompts.where(name) == PACKAGED:
            raise InputError(
                f"the packaged {name} is the version in use; take a copy and edit it: "
                f"taxonaut prompts eject {name}"
            )
        raise InputError(
            f"{against!r} is the version of {name} in use ({after.hash}); edit the copy, or name another "
            f"version of taxonaut prompts log {name}"
        )
    origin = PACKAGED if before.hash == packaged_version(name).hash else "kept"
    return (before, origin), (after, workspace.prompts.where(name))


@dataclass(frozen=True, slots=True)
class Run:
    """The run of one version: the labels found, its latest decisions, and those of them that this call made."""

    version: Version
    origin: str
    found: tuple[Found, ...]
    decisions: tuple[Decision, ...]
    fresh: tuple[Decision, ...]
    seconds: float


async def run_side(
    workspace: Core,
    how: Reader,
    version: Version,
    origin: str,
    items: Sequence[Item],
    *,
    everything: bool,
) -> Run:
    """Run one version."""
    under = workspace.with_prompts(workspace.prompts.with_version(version.name, version.files))
    return await run_under(under, how, version, origin, items, everything=everything)


async def run_under(
    under: Core,
    how: Reader,
    version: Version,
    origin: str,
    items: Sequence[Item],
    *,
    everything: bool = False,
) -> Run:
    """Run the effective templates of a workspace, as a run of `version`."""
    started = time.perf_counter()
    newest = PromptTrials(under.database).newest_decision()
    run, found = await run_version(under, how, items, everything=everything)
    seconds = time.perf_counter() - started
    ids = [item.id for item in items]
    rows = Decisions(under.database).for_items(run, ids)
    new = PromptTrials(under.database).decisions_since(run, ids, newest)
    fresh = rows[len(rows) - new :]
    return Run(version, origin, tuple(found), tuple(latest_decisions(rows)), tuple(fresh), seconds)


def compare_runs(
    workspace: Workspace, name: str, rows: Sequence[ItemRow], before: Run, after: Run
) -> TrialReport:
    """Compare the runs of both versions."""
    gold = {row.item.id: row.gold for row in rows}
    longest = max((len(each.labels) for run in (before, after) for each in run.found), default=0)
    ks = CUTOFFS if longest > CUTOFFS[-2] else CUTOFFS[:-1]
    values = [score_items(run.found, gold, ks) for run in (before, after)]
    sides = [summarize_run(name, run, each) for run, each in zip((before, after), values, strict=True)]
    was, is_now = (decisions_of_template(run.decisions, name) for run in (before, after))
    both = [(was[key], is_now[key]) for key in was if key in is_now]
    lookup = DecisionLookup(workspace, {row.item.id: row.item.text for row in rows}, gold)
    first = {item.item_id: item for item in before.found}, {item.item_id: item for item in after.found}
    judged = any(gold.values())
    return TrialReport(
        template=name,
        items=len(gold),
        with_gold=sum(bool(labels) for labels in gold.values()),
        asked_items=len({decision.item_id for pair in both for decision in pair}),
        before=sides[0],
        after=sides[1],
        differences=bound_paired_differences(*values) if judged else {},
        first=mcnemar(values[0][FIRST] > 0, values[1][FIRST] > 0) if judged else None,
        compared=len(both),
        alike=sum(one.rendered == other.rendered for one, other in both),
        changes=tuple(find_changes(lookup, both, *first)),
    )


def decisions_of_template(decisions: Sequence[Decision], name: str) -> dict[tuple[Any, ...], Decision]:
    """Return the decisions that used a template; the key is the same for both versions."""
    return {
        (decision.item_id, decision.node_id, decision.seed): decision
        for decision in decisions
        if decision.template == name
    }


def score_items(
    found: Sequence[Found], gold: Mapping[ItemId, Sequence[LabelId]], ks: Sequence[int]
) -> Values:
    """Score each item that has gold labels; measures as in `evaluate`."""
    values = score_each_item([each.labels for each in found], [gold[each.item_id] for each in found], ks)
    return {name: values[name] for name in MEASURES if name in values}


def summarize_run(name: str, run: Run, values: Values) -> Side:
    """Return the quality, the cost and the counts of one version."""
    own = decisions_of_template(run.decisions, name).values()
    measured = bool(len(next(iter(values.values()))))
    return Side(
        hash=run.version.hash,
        origin=run.origin,
        found=run.found,
        quality=bound_means(values) if measured else {},
        cost=add_up_cost(run),
        without_label=sum(not each.labels for each in run.found),
        decisions=len(own),
        abstained=sum(not decision.choice and not decision.error for decision in own),
        failed=sum(bool(decision.error) for decision in own),
    )


def add_up_cost(run: Run) -> Cost:
    """Add up the requests to language models; encoders read no prompt and cost nothing here."""
    read = [decision for decision in run.decisions if decision.rendered]
    fresh = [decision for decision in run.fresh if decision.rendered]
    return Cost(
        requests=len(read),
        asked=sum(not decision.usage.cached for decision in fresh),
        cached=sum(decision.usage.cached for decision in fresh),
        prompt_tokens=sum(decision.usage.prompt_tokens for decision in read),
        reused_tokens=sum(decision.usage.reused_tokens for decision in read),
        completion_tokens=sum(decision.usage.completion_tokens for decision in read),
        seconds=run.seconds,
    )


def store_report(workspace: Workspace, report: TrialReport, items: Sequence[Item]) -> None:
    """Keep the measurements; those of an equal trial are replaced."""
    digest = hashlib.sha256("\0".join(f"{item.id}\0{item.text}" for item in items).encode(errors="replace"))
    row = {"on": digest.hexdigest()[:16], **summary(report)}
    PromptTrials(workspace.database).keep(report.template, report.before.hash, report.after.hash, row)


def summary(report: TrialReport) -> dict[str, Any]:
    """Return a report for --json, without its changes."""
    return {
        "template": report.template,
        "items": report.items,
        "with_gold": report.with_gold,
        "asked_items": report.asked_items,
        "before": side_row(report.before),
        "after": side_row(report.after),
        "differences": {name: asdict(bounds) for name, bounds in report.differences.items()},
        "first": None if report.first is None else {**asdict(report.first), "words": report.first.words},
        "decisions_compared": report.compared,
        "prompts_alike": report.alike,
        "renders_the_same": report.renders_the_same,
        "changed": len(report.changes),
    }


def side_row(side: Side) -> dict[str, Any]:
    """Return one version for --json."""
    return {
        "hash": side.hash,
        "origin": side.origin,
        "quality": {name: asdict(bounds) for name, bounds in side.quality.items()},
        "cost": asdict(side.cost),
        "items_without_label": side.without_label,
        "decisions": side.decisions,
        "abstained": side.abstained,
        "failed": side.failed,
    }
