"""An audit as a person reads it: what each share of the traffic buys, and the threshold that is proposed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from taxonaut.cli.terminal import counted, styled

if TYPE_CHECKING:
    from rich.table import Table

    from taxonaut.cli.session import Session
    from taxonaut.evaluation.audit import AuditTable, Cut
    from taxonaut.evaluation.audit_proposal import Proposal
    from taxonaut.evaluation.intervals import Interval
    from taxonaut.workspace.auditing import AuditRun

FIXED = "95 % intervals over the audited products, with the threshold held fixed"


def audit_row(
    run: "AuditRun", table: "AuditTable", cuts: "Sequence[Cut]", proposal: "Proposal | None"
) -> dict[str, Any]:
    """Return an audit as JSON has it."""
    audit, sample = run.audit, run.sample
    return {
        "expert": audit.expert,
        "made": audit.made,
        "source": audit.source,
        "seed": audit.seed,
        "items": len(audit.rows),
        "of": sample.of,
        "blank": sample.blank,
        "without_gold": sample.without_gold,
        "trained_on": run.trained_on,
        "unknown_gold": list(run.unknown),
        "measure": table.measure,
        "candidates_hold_gold": None if table.ceiling is None else asdict(table.ceiling),
        "agree": int(table.agreed.sum()),
        "verdicts": verdicts(run),
        "cuts": [asdict(cut) for cut in cuts],
        "proposal": None if proposal is None else asdict(proposal),
        "intervals": FIXED,
        "cost": asdict(run.totals),
    }


def verdicts(run: "AuditRun") -> dict[str, int]:
    """Count what the general expert said; `not_asked`: the domain expert had no candidate."""
    found = dict.fromkeys(("general", "none", "undecided", "failed", "not_asked"), 0)
    for row in run.audit.rows:
        found[row.said.verdict if row.said is not None else "not_asked"] += 1
    return found


def heading(run: "AuditRun", table: "AuditTable") -> Iterator[str]:
    """Say what was audited."""
    sample, audit = run.sample, run.audit
    yield (
        f"expert {audit.expert} and the general expert on {counted(len(audit.rows), 'product')} of "
        f"{sample.of:,}; both gave the same category for {share(table.agreed.mean())}"
    )
    if table.measure == "agreement":
        yield (
            "no product has a gold label: how often either is right cannot be known, only how often they "
            "agree (--labels-column names a column with the right categories)"
        )
    for count, why in ((sample.blank, "no text"), (sample.without_gold, "no gold label")):
        if count:
            yield f"{counted(count, 'product')} with {why} left out"
    if run.unknown:
        yield (
            f"{counted(len(run.unknown), 'gold label')} unknown to the workspace, the first: {run.unknown[0]!r}; "
            "nobody can get these right"
        )
    if run.trained_on:
        yield (
            f"{run.trained_on:,} of the products were trained on: the domain expert is better on these than on "
            "new ones; audit others"
        )
    alone = sum(len(row.recommended.labels) == 1 for row in audit.rows)
    if alone:
        yield (
            f"{counted(alone, 'product')} with one candidate only: the general expert can take it or none "
            "(categories of a probability below 0.0005 are no candidates)"
        )
    said = verdicts(run)
    words = {
        "none": "none of the candidates fits",
        "undecided": "cannot decide",
        "failed": "no valid answer",
        "not_asked": "not asked, as there was no candidate",
    }
    without = [f"{words[name]} {said[name]:,}" for name in words if said[name]]
    if without:
        counts = "; counted as wrong" if table.measure == "accuracy" else ""
        yield f"the general expert gave no category: {', '.join(without)}{counts}"


def cut_table(table: "AuditTable", cuts: "Sequence[Cut]", proposal: "Proposal | None") -> "Table":
    """Return what shares of the traffic buy, a row each; the proposed threshold's row stands out."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    known = table.measure == "accuracy"
    columns = ["sent", "threshold", table.measure, *(["gain"] if known else []), "no answer"]
    columns += ["requests", "tokens", *(["cost"] if table.prices is not None else [])]
    for name in columns:
        shown.add_column(name, justify="right")
    for cut in cuts:
        cells = [
            f"{cut.share:.1%}",
            "all" if cut.threshold is None else f"{cut.threshold:g}",
            "–" if cut.value is None else bounded(cut.value),
            *([signed(cut.gain)] if known else []),
            f"{cut.unanswered:,}",
            f"{cut.requests:,.0f}",
            f"{cut.tokens:,.0f}",
            *([money(cut.cost)] if cut.cost is not None else []),
        ]
        marked = proposal is not None and cut.threshold == proposal.threshold
        shown.add_row(*(styled(cell, "bold" if marked else "") for cell in cells))
    return shown


def reading(table: "AuditTable") -> str:
    """Say what the columns of the table mean."""
    if table.measure == "accuracy":
        meaning = "accuracy: of all products; gain: on the domain expert alone, paired"
    else:
        meaning = "agreement: on the products that are not sent"
    return f"{meaning}; ±: half of the 95 % interval; requests, tokens and cost: per 1,000 products"


def ending(table: "AuditTable", proposal: "Proposal | None", session: "Session") -> Iterator[str]:
    """Say what is proposed and what to expect of it."""
    if table.ceiling is not None:
        yield f"the right category is among the candidates for {share(table.ceiling.value)}"
    if proposal is None:
        yield "no threshold is proposed: say which share (--share 0.2) or what budget (--budget 200) you want"
        return
    if proposal.helps is False:
        yield no_help(table)
    if not proposal.reached:
        yield f"no share reaches an accuracy of {share(proposal.wanted or 0.0)}; the best is proposed instead"
    what = f"proposed threshold {proposal.threshold:g}: {sent(proposal.share)} go to the general expert"
    if proposal.accuracy is not None:
        what += f", accuracy {between(proposal.accuracy)}"
    yield what + (f" ({FIXED})" if proposal.accuracy is not None and proposal.share.value else "")
    if proposal.rule == "best" and proposal.helps:
        yield "it is the smallest share whose accuracy cannot be told from the best one's (paired, 95 %)"
    if (
        proposal.rule in ("share", "budget")
        and (proposal.least or 0.0) < proposal.threshold
        and proposal.helps
    ):
        yield f"threshold {proposal.least:g} sends fewer and is as good, as far as these products can tell"
    yield f"kept: categorize uses it unless a threshold is set; next: {session.again('expert disagreements')}"


def no_help(table: "AuditTable") -> str:
    """Say that no share is better than none, and whether more products might show otherwise."""
    from taxonaut.evaluation.audit_proposal import best_threshold

    (best,) = table.cuts([best_threshold(table)])
    if best.gain is None or best.gain.value <= 0:
        return "the general expert helps nowhere: no share is more accurate than the domain expert alone"
    return (
        "the general expert does not help beyond what chance explains: the best share gains "
        f"{signed(best.gain)} points on the domain expert alone; a larger sample may tell"
    )


def sent(interval: "Interval") -> str:
    """Say how many products go, with bounds where any go."""
    return between(interval) if interval.value else "no products"


def between(interval: "Interval") -> str:
    """Write a share with its bounds."""
    return f"{share(interval.value)} ({100 * interval.low:.1f}–{100 * interval.high:.1f})"


def bounded(interval: "Interval") -> str:
    """Write a share in per cent with half of its interval."""
    return f"{100 * interval.value:.1f} ±{50 * (interval.high - interval.low):.1f}"


def signed(interval: "Interval | None") -> str:
    """Write a difference in points with half of its interval."""
    if interval is None or interval.low == interval.high == 0:
        return "–"
    return f"{100 * interval.value:+.1f} ±{50 * (interval.high - interval.low):.1f}"


def money(cost: float) -> str:
    """Write an amount, small ones with more places."""
    return f"{cost:,.2f}" if cost >= 1 or not cost else f"{cost:.4f}"


def share(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.1f} %"
