"""`taxonaut expert disagreements`: where the trained expert was sure and the general expert says otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from taxonaut.cli.classify.categorize import ExpertOption
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.item_command import OutputFormatOption, OutputOption
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, path_text, print_json, styled
from taxonaut.workspace import expert as experts
from taxonaut.workspace import files

if TYPE_CHECKING:
    from taxonaut.workspace.expert.audit_file import Audit
    from taxonaut.workspace.expert.disagreements import Disagreement

LONGEST_TEXT = 300
LONGEST_REASON = 400


@command(
    "disagreements",
    example="taxonaut expert disagreements\ntaxonaut expert disagreements --threshold 0.9 -o look-at-these.csv",
)
def disagreements(
    session: Session,
    output: OutputOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Minimum confidence. Default: the threshold of categorize.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Print at most N items; 0 for all.")] = 20,
    expert: ExpertOption = None,
    output_format: OutputFormatOption = None,
    json: JsonOption = False,
) -> None:
    """List items on which the two experts disagree.

    Items of the last audit that the trained expert was confident about and the general expert decides otherwise,
    the most confident first, each with both reasons: candidates for wrong labels, or for categories that one of
    the two does not understand. No model is asked.
    """
    writer = (
        files.result_files.open_file(output, experts.disagreements.DISAGREEMENT, output_format)
        if output is not None
        else None
    )
    with session.open() as workspace:
        routing = experts.categorize.prepare_categorization(workspace, expert=expert)
        audit = experts.audit_file.require_audit(workspace, routing.card.number)
        least = routing.threshold.value if threshold is None else threshold
        found = experts.disagreements.find_disagreements(workspace, audit, least)
    if writer is not None:
        with writer:
            writer.write(found)
        for note in writer.notes:
            say(f"note: {note}")
    if json and output is None:
        print_json([experts.disagreements.disagreement_row(each) for each in found])
    elif output is None:
        for each in found[: limit or None]:
            print_disagreement(out(), each)
    if not session.quiet:
        for line in summary(audit, found, least, output, len(found) if json or output else limit):
            say(line)


def summary(
    audit: Audit, found: Sequence[Disagreement], threshold: float, output: str | None, limit: int
) -> list[str]:
    """Say how many there are, and who has the gold label where it is known."""
    sure = sum(row.recommended.confidence >= threshold and bool(row.domain) for row in audit.rows)
    where = f" -> {output}" if output is not None else ""
    lines = [
        f"{counted(len(found), 'disagreement')} among {counted(sure, 'product')} of the audit at a confidence of "
        f"{threshold:g} or more{where}"
    ]
    right = Counter(each.right for each in found if each.right)
    if right:
        lines.append(
            f"the gold label is the domain expert's for {right['domain']:,}, the general expert's for "
            f"{right['general']:,}, neither's for {right['neither']:,}"
        )
    if 0 < limit < len(found):
        lines.append(f"{limit:,} of them shown, the surest first; --limit 0 shows all, -o FILE writes all")
    return lines


def print_disagreement(console: Console, found: Disagreement) -> None:
    """Print an item with what either expert says, and why."""
    row = found.row
    title = styled(f"{row.item.id}  ", "dim")
    console.print(title.append_text(styled(clipped(" ".join(row.item.text.split()), LONGEST_TEXT), "bold")))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("  domain", path_text(found.domain))
    table.add_row("", styled(clipped(found.domain_reason, LONGEST_REASON), "yellow"))
    general = styled("none of the candidates fits") if found.general is None else path_text(found.general)
    table.add_row("  general", general)
    if found.general_reason:
        reason = " ".join(found.general_reason.split())
        table.add_row("", styled(f"“{clipped(reason, LONGEST_REASON)}”", "yellow"))
    for path in found.gold:
        table.add_row("  gold", path_text(path))
    console.print(table)
    console.print()
