"""`taxonaut expert audit`: what each share of the traffic to the general expert buys, and which threshold follows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.categorize import AskOption, CandidatesOption, ExpertOption, ShownOption
from taxonaut.cli.classify import given_only
from taxonaut.cli.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.reporting import SOME_FAILED, InterruptedWork, say
from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from taxonaut.cli.progress import Bar
    from taxonaut.evaluation.audit import AuditTable, Prices
    from taxonaut.evaluation.audit_proposal import Proposal
    from taxonaut.workspace.auditing import AuditRun
    from taxonaut.workspace.item_files import ItemRow
    from taxonaut.workspace.workspace import Workspace

app = typer.Typer()

WISH_PANEL = "What is wanted"


@command(
    app,
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
            metavar="ITEMS",
            help="Products like all that come in, with their right categories (.csv, .tsv, .jsonl, .json, "
            ".parquet; .gz too), or - for stdin; not those trained on.",
            show_default=False,
        ),
    ],
    sample: Annotated[int, typer.Option(min=0, help="Products drawn at random; 0: all.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The smallest share that reaches it.",
            rich_help_panel=WISH_PANEL,
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="At most this share is sent.", rich_help_panel=WISH_PANEL, show_default=False
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Spend at most this on 1,000 products: requests, or money if prices are given.",
            rich_help_panel=WISH_PANEL,
            show_default=False,
        ),
    ] = None,
    price_in: Annotated[
        float | None,
        typer.Option(min=0, help="Of a million tokens read.", rich_help_panel=WISH_PANEL, show_default=False),
    ] = None,
    price_out: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of a million tokens written.", rich_help_panel=WISH_PANEL, show_default=False
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it there: .png, .svg or .pdf.", show_default=False),
    ] = None,
    expert: ExpertOption = None,
    candidates: CandidatesOption = None,
    shown: ShownOption = None,
    ask: AskOption = None,
    text_column: Annotated[str, column("--text-column", "the text")] = "text",
    id_column: Annotated[str, column("--id-column", "its id; without one its line number is the id")] = "id",
    labels_column: Annotated[str, column("--labels-column", "the ids of its right categories")] = "labels",
    label_separator: Annotated[
        str, typer.Option(metavar="SIGN", help="What divides labels in a cell.", rich_help_panel=FILE_PANEL)
    ] = ";",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    json: JsonOption = False,
) -> None:
    """Ask both experts about a sample of all traffic, and see what each share sent to the general expert buys.

    The least sure products are sent first. A threshold is proposed for a wanted accuracy, share or budget; with
    no wish, the smallest share whose accuracy cannot be told from the best. It is kept, and categorize uses it
    unless another is set. Products without right categories show how often the experts agree, no more. What was
    asked is kept: the same command again, or categorize, asks about no product twice.
    """
    from taxonaut.cli.progress import progress
    from taxonaut.evaluation.figure import check_figure
    from taxonaut.workspace.item_files import ItemColumns, open_items

    prices = chosen_prices(price_in, price_out)
    if figure is not None:
        check_figure(figure)
    columns = ItemColumns(
        id=id_column, text=text_column, labels=labels_column, label_separator=label_separator
    )
    rows = list(open_items(file, columns, format=format, encoding=encoding).rows())  # type: ignore[arg-type]
    check_wishes(rows, accuracy, share, budget)
    how = given_only(expert=expert, candidates=candidates, shown=shown, ask=ask)
    with progress(session, json=json) as bar, session.open() as workspace:
        run = audited(workspace, rows, bar, {**how, "size": sample, "seed": seed, "source": file})
        bar.stage("computing")
        table, proposal = concluded(
            workspace, run, prices, given_only(accuracy=accuracy, share=share, budget=budget)
        )
        if figure is not None:
            drawn(run, table, proposal, figure)
    show(session, run, table, proposal, figure, json=json)


def chosen_prices(read: float | None, written: float | None) -> "Prices | None":
    """Return the prices of tokens. Raises InputError if one of the two is missing."""
    from taxonaut.evaluation.audit import Prices
    from taxonaut.state.errors import InputError

    if read is None and written is None:
        return None
    if read is None or written is None:
        raise InputError("give both --price-in and --price-out, each for a million tokens (0 for none)")
    return Prices(read, written)


def check_wishes(
    rows: "Sequence[ItemRow]", accuracy: float | None, share: float | None, budget: float | None
) -> None:
    """Refuse several wishes, and an accuracy that nobody can know, before anything is asked."""
    from taxonaut.evaluation.audit_proposal import TOO_MANY, no_gold
    from taxonaut.state.errors import InputError

    if sum(wish is not None for wish in (accuracy, share, budget)) > 1:
        raise InputError(TOO_MANY)
    if accuracy is not None and not any(row.gold for row in rows):
        raise no_gold(accuracy)


def audited(
    workspace: "Workspace", rows: "Sequence[ItemRow]", bar: "Bar", how: "Mapping[str, Any]"
) -> "AuditRun":
    """Ask both experts. Raises InterruptedWork on Ctrl-C."""
    from taxonaut.workspace.auditing import audit as ask_both
    from taxonaut.workspace.auditing import drawn as sampled

    count = len(sampled(rows, how["size"], how["seed"]).rows)
    bar.stage("asking both experts", count)
    try:
        return ask_both(workspace, rows, on_done=bar.at, **how)
    except KeyboardInterrupt:
        raise InterruptedWork("what is finished is kept; run the same command again to continue") from None


def concluded(
    workspace: "Workspace", run: "AuditRun", prices: "Prices | None", wish: "Mapping[str, float]"
) -> "tuple[AuditTable, Proposal | None]":
    """Propose a threshold and keep the audit with it."""
    from dataclasses import asdict, replace

    from taxonaut.evaluation.audit import AuditTable
    from taxonaut.evaluation.audit_proposal import propose
    from taxonaut.workspace.audit_file import keep_audit

    table = AuditTable(run.audit.rows, prices)
    proposal = propose(table, **wish)
    if proposal is None:
        keep_audit(workspace, run.audit)
    else:
        keep_audit(workspace, replace(run.audit, threshold=proposal.threshold, proposal=asdict(proposal)))
    return table, proposal


def drawn(run: "AuditRun", table: "AuditTable", proposal: "Proposal | None", figure: Path) -> None:
    """Draw the audit."""
    from taxonaut.evaluation.audit_figure import draw_audit

    what = (
        "What the general expert adds to"
        if table.measure == "accuracy"
        else "How the general expert agrees with"
    )
    title = f"{what} expert {run.audit.expert}, on {table.count:,} products"
    draw_audit(table.curve(), proposal, table.ceiling, table.measure, figure, title)


def show(
    session: Session,
    run: "AuditRun",
    table: "AuditTable",
    proposal: "Proposal | None",
    figure: Path | None,
    *,
    json: bool,
) -> None:
    """Print the audit; end with 6 if requests failed that another run can ask again."""
    from taxonaut.cli.assigning import cost
    from taxonaut.cli.audit_view import audit_row, cut_table, ending, heading, reading, verdicts
    from taxonaut.cli.terminal import out, print_json, styled

    cuts = table.table(proposal.threshold if proposal is not None else None)
    if json:
        print_json(audit_row(run, table, cuts, proposal))
    else:
        console = out()
        for line in heading(run, table):
            console.print(styled(line))
        console.print()
        console.print(cut_table(table, cuts, proposal))
        console.print(styled(reading(table), "dim"))
        console.print()
        for line in ending(table, proposal, session):
            console.print(styled(line))
    if not session.quiet:
        say(cost(run.totals) + (f"; drawn: {figure}" if figure is not None else ""))
    failed = verdicts(run)["failed"]
    if failed:
        first = next(row.said.error for row in run.audit.rows if row.said and row.said.error)
        say(f"{failed:,} requests failed, the first: {first}\nrun the same command again to ask these only")
        raise typer.Exit(SOME_FAILED)
