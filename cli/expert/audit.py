"""`taxonaut expert audit`: what each share of the traffic to the general expert buys, and which threshold follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from taxonaut import evaluation
from taxonaut.cli.classify.categorize import ExpertOptions
from taxonaut.cli.shared.exit_codes import SOME_FAILED, InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileOptions, match_gold
from taxonaut.cli.shared.item_command import describe_cost
from taxonaut.cli.shared.option_groups import given, given_in
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.spending_options import read_prices
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.state.errors import InputError
from taxonaut.workspace import expert

if TYPE_CHECKING:
    from taxonaut.evaluation.audits.audit_table import Cut
    from taxonaut.evaluation.audits.proposal import Proposal
    from taxonaut.workspace.core.intervals import Interval
    from taxonaut.workspace.expert.audit import AuditRun
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.workspace import Workspace

FIXED = "95 % intervals over the audited products, with the threshold held fixed"


def audit_row(
    run: AuditRun,
    table: evaluation.audits.audit_table.AuditTable,
    cuts: Sequence[Cut],
    proposal: Proposal | None,
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
        "verdicts": count_verdicts(run),
        "cuts": [asdict(cut) for cut in cuts],
        "proposal": None if proposal is None else asdict(proposal),
        "intervals": FIXED,
        "cost": asdict(run.totals),
    }


def count_verdicts(run: AuditRun) -> dict[str, int]:
    """Count what the general expert said; `not_asked`: the domain expert had no candidate."""
    found = dict.fromkeys(("general", "none", "undecided", "failed", "not_asked"), 0)
    for row in run.audit.rows:
        found[row.said.verdict if row.said is not None else "not_asked"] += 1
    return found


def describe_audit(run: AuditRun, table: evaluation.audits.audit_table.AuditTable) -> Iterator[str]:
    """Say what was audited."""
    sample, audit = run.sample, run.audit
    yield (
        f"expert {audit.expert} and the general expert on {counted(len(audit.rows), 'product')} of "
        f"{sample.of:,}; both gave the same category for {format_share(table.agreed.mean())}"
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
    said = count_verdicts(run)
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


def cut_table(
    table: evaluation.audits.audit_table.AuditTable, cuts: Sequence[Cut], proposal: Proposal | None
) -> Table:
    """Return what shares of the traffic buy, a row each; the proposed threshold's row stands out."""
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
            "–" if cut.value is None else format_share_interval(cut.value),
            *([format_difference(cut.gain)] if known else []),
            f"{cut.unanswered:,}",
            f"{cut.requests:,.0f}",
            f"{cut.tokens:,.0f}",
            *([format_price(cut.cost)] if cut.cost is not None else []),
        ]
        marked = proposal is not None and cut.threshold == proposal.threshold
        shown.add_row(*(styled(cell, "bold" if marked else "") for cell in cells))
    return shown


def describe_columns(table: evaluation.audits.audit_table.AuditTable) -> str:
    """Say what the columns of the table mean."""
    if table.measure == "accuracy":
        meaning = "accuracy: of all products; gain: on the domain expert alone, paired"
    else:
        meaning = "agreement: on the products that are not sent"
    return f"{meaning}; ±: half of the 95 % interval; requests, tokens and cost: per 1,000 products"


def describe_proposal(
    table: evaluation.audits.audit_table.AuditTable,
    proposal: Proposal | None,
    session: Session,
    *,
    trained: bool,
) -> Iterator[str]:
    """Say what is proposed and what to expect of it. `trained`: the expert was trained on the products."""
    if table.ceiling is not None:
        yield f"the right category is among the candidates for {format_share(table.ceiling.value)}"
    if trained:
        yield (
            "no threshold is proposed, and a former one is kept: too many of these products were trained on; audit "
            "others"
        )
        return
    if proposal is None:
        yield "no threshold is proposed: say which share (--share 0.2) or what budget (--budget 200) you want"
        return
    if proposal.helps is False:
        yield describe_no_gain(table)
    if not proposal.reached:
        yield f"no share reaches an accuracy of {format_share(proposal.wanted or 0.0)}; the best is proposed instead"
    what = (
        f"proposed threshold {proposal.threshold:g}: {format_sent(proposal.share)} go to the general expert"
    )
    if proposal.accuracy is not None:
        what += f", accuracy {format_bounds(proposal.accuracy)}"
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


def describe_no_gain(table: evaluation.audits.audit_table.AuditTable) -> str:
    """Say that no share is better than none, and whether more products might show otherwise."""
    (best,) = table.cuts([evaluation.audits.proposal.best_threshold(table)])
    if best.gain is None or best.gain.value <= 0:
        return "the general expert helps nowhere: no share is more accurate than the domain expert alone"
    return (
        "the general expert does not help beyond what chance explains: the best share gains "
        f"{format_difference(best.gain)} points on the domain expert alone; a larger sample may tell"
    )


def format_sent(interval: Interval) -> str:
    """Say how many products go, with bounds where any go."""
    return format_bounds(interval) if interval.value else "no products"


def format_bounds(interval: Interval) -> str:
    """Write a share with its bounds."""
    return f"{format_share(interval.value)} ({100 * interval.low:.1f}–{100 * interval.high:.1f})"


def format_share_interval(interval: Interval) -> str:
    """Write a share in per cent with half of its interval."""
    return f"{100 * interval.value:.1f} ±{50 * (interval.high - interval.low):.1f}"


def format_difference(interval: Interval | None) -> str:
    """Write a difference in points with half of its interval."""
    if interval is None or interval.low == interval.high == 0:
        return "–"
    return f"{100 * interval.value:+.1f} ±{50 * (interval.high - interval.low):.1f}"


def format_price(cost: float) -> str:
    """Write an amount, small ones with more places."""
    return f"{cost:,.2f}" if cost >= 1 or not cost else f"{cost:.4f}"


def format_share(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.1f} %"


@command(
    "audit",
    example="taxonaut expert audit dev.jsonl\n"
    "taxonaut expert audit dev.jsonl --accuracy 0.9 --figure audit.png\n"
    "taxonaut expert audit dev.jsonl --budget 0.5 --price-in 0.15 --price-out 0.6",
)
def audit(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Items like those to categorize, with their categories, and not used in "
            "training (.csv, .tsv, .jsonl, .json, .parquet, each also as .gz), or - for "
            "standard input.",
            show_default=False,
        ),
    ],
    sample: Annotated[int, typer.Option(min=0, help="Ask about N random items; 0 for all.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the sample.")] = 0,
    accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Propose the smallest share that reaches accuracy X.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Propose to ask about at most share X of the items.", show_default=False
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Propose to spend at most X on 1,000 items: requests, or money if prices are given.",
            show_default=False,
        ),
    ] = None,
    price_in: Annotated[
        float | None,
        typer.Option(min=0, help="Price of a million input tokens.", show_default=False),
    ] = None,
    price_out: Annotated[
        float | None,
        typer.Option(min=0, help="Price of a million output tokens.", show_default=False),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Plot the table to FILE (.png, .svg or .pdf).", show_default=False),
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Audit items that the expert was trained on, too; that proposes no threshold."
        ),
    ] = False,
    *,
    experts: ExpertOptions,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Measure what asking the general expert gains, and propose a threshold.

    Both experts are asked about a random sample. The table shows, for shares of items sent to the general expert,
    the least certain first, what they cost and gain. Without a target, the smallest share that is as accurate as
    the best one is proposed. categorize uses the proposed threshold unless another is set. For items without
    known categories, only the agreement of the experts is shown. Answers are kept: neither this command nor
    categorize asks about an item twice. More than a few items that the expert was trained on are refused.
    """
    prices = read_prices(price_in, price_out)
    if figure is not None:
        evaluation.curve_figure.check_figure(figure)
    rows = layout.read(file)
    check_targets(rows, accuracy, share, budget)
    with progress(session, json=json) as bar, session.open() as workspace:
        rows = match_gold(session, workspace.index, rows)
        run = ask_experts(
            workspace,
            rows,
            bar,
            {
                **given_in(experts),
                "size": sample,
                "sample_seed": seed,
                "source": file,
                "anyway": anyway,
            },
        )
        bar.stage("computing")
        table, proposal = propose_threshold(
            workspace, run, prices, given(accuracy=accuracy, share=share, budget=budget)
        )
        if figure is not None:
            draw_audit_figure(run, table, proposal, figure)
    print_audit(session, run, table, proposal, figure, json=json)


def check_targets(
    rows: Sequence[ItemRow], accuracy: float | None, share: float | None, budget: float | None
) -> None:
    """Refuse several wishes, and an accuracy that nobody can know, before anything is asked."""
    if sum(wish is not None for wish in (accuracy, share, budget)) > 1:
        raise InputError(evaluation.audits.proposal.TOO_MANY)
    if accuracy is not None and not any(row.gold for row in rows):
        raise evaluation.audits.proposal.no_gold_error(accuracy)


def ask_experts(workspace: Workspace, rows: Sequence[ItemRow], bar: Bar, how: Mapping[str, Any]) -> AuditRun:
    """Ask both experts. Raises InterruptedWork on Ctrl-C."""
    count = len(expert.audit.sample_items(rows, how["size"], how["sample_seed"]).rows)
    bar.stage("categorizing", count)
    try:
        return expert.audit.audit(workspace, rows, **how)
    except KeyboardInterrupt:
        raise InterruptedWork("what is finished is kept; run the same command again to continue") from None


def propose_threshold(
    workspace: Workspace,
    run: AuditRun,
    prices: evaluation.audits.audit_table.Prices | None,
    wish: Mapping[str, float],
) -> tuple[evaluation.audits.audit_table.AuditTable, Proposal | None]:
    """Propose a threshold and keep the audit with it.

    One on items that the expert was trained on proposes no threshold, and never replaces another audit.
    """
    table = evaluation.audits.audit_table.AuditTable(run.audit.rows, prices)
    proposal = evaluation.audits.proposal.propose(table, **wish)
    if not expert.audit.keeps_threshold(run.audit):
        if expert.audit_file.load_audit(workspace, run.audit.expert) is None:
            expert.audit_file.save_audit(workspace, run.audit)
        return table, None
    kept = run.audit
    if proposal is not None:
        kept = replace(kept, threshold=proposal.threshold, proposal=asdict(proposal))
    expert.audit_file.save_audit(workspace, kept)
    return table, proposal


def draw_audit_figure(
    run: AuditRun, table: evaluation.audits.audit_table.AuditTable, proposal: Proposal | None, figure: Path
) -> None:
    """Draw the audit."""
    what = (
        "What the general expert adds to"
        if table.measure == "accuracy"
        else "How the general expert agrees with"
    )
    title = f"{what} expert {run.audit.expert}, on {table.count:,} products"
    evaluation.audits.audit_figure.draw_audit(
        table.curve(), proposal, table.ceiling, table.measure, figure, title
    )


def print_audit(
    session: Session,
    run: AuditRun,
    table: evaluation.audits.audit_table.AuditTable,
    proposal: Proposal | None,
    figure: Path | None,
    *,
    json: bool,
) -> None:
    """Print the audit; end with 6 if requests failed that another run can ask again."""
    cuts = table.table(proposal.threshold if proposal is not None else None)
    if json:
        print_json(audit_row(run, table, cuts, proposal))
    else:
        console = out()
        for line in describe_audit(run, table):
            console.print(styled(line))
        console.print()
        console.print(cut_table(table, cuts, proposal))
        console.print(styled(describe_columns(table), "dim"))
        console.print()
        trained = not expert.audit.keeps_threshold(run.audit)
        for line in describe_proposal(table, proposal, session, trained=trained):
            console.print(styled(line))
    if not session.quiet:
        say(describe_cost(run.totals) + (f"; drawn: {figure}" if figure is not None else ""))
    failed = count_verdicts(run)["failed"]
    if failed:
        first = next(row.said.error for row in run.audit.rows if row.said and row.said.error)
        say(f"{failed:,} requests failed, the first: {first}\nrun the same command again to ask these only")
        raise typer.Exit(SOME_FAILED)
