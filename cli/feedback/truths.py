"""`taxonaut feedback`: say which labels items have, and see what is known and contradicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from taxonaut.cli.review.start import PersonOption, this_person
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import (
    FILE_PANEL,
    LabelledFileArgument,
    LabelledFileOptions,
    match_gold,
)
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, print_json, printable, styled
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.workspace import files, learn, walk

if TYPE_CHECKING:
    from taxonaut.state.index.index import Index
    from taxonaut.state.stores.ledger import Conflict, ItemTruth, Truth
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.learn.corrections import Correction
    from taxonaut.workspace.learn.feedback import MarkedItem
    from taxonaut.workspace.workspace import Workspace

LONGEST_TEXT = 60

LimitOption = Annotated[int, typer.Option(min=0, help="Print at most N; 0 for all.")]
WeightOption = Annotated[
    float, typer.Option(metavar="NUMBER", help="How much this counts in learning, above 0 and at most 10.")
]


@command(
    "add",
    example="taxonaut feedback add train.csv --labels-column category\n"
    "taxonaut feedback add corrected.csv --person anna\n"
    "taxonaut feedback add answers.csv --expert big-model --weight 0.3\n"
    "taxonaut feedback add checked.csv --person anna --partial --wrong-column wrong",
)
def add(
    session: Session,
    file: LabelledFileArgument,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who says so: what a person says counts before gold files. Default: it is a gold file.",
            show_default=False,
        ),
    ] = None,
    expert: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The expert whose answers these are, such as another model: they count where neither a file nor a "
            "person says anything.",
            show_default=False,
        ),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Items may have other labels than these. Default: these are all."),
    ] = False,
    wrong_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column with labels that are wrong.",
            rich_help_panel=FILE_PANEL,
            show_default=False,
        ),
    ] = None,
    weight: WeightOption = 1.0,
    skip_unknown: Annotated[
        bool,
        typer.Option(
            "--skip-unknown", help="Leave out labels that match no label of the index, and say which."
        ),
    ] = False,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Add a file of items with their labels to the ledger, to learn from.

    Of an item's gold labels those of the latest file hold; what a person says counts before any file, and the latest
    of each person holds. Nothing is overwritten, and what is there already is not added again. Labels are read as
    evaluate reads them: ids, names or paths.
    """
    if person is not None and expert is not None:
        raise InputError("--person and --expert are two sources; give the one that says so")
    if wrong_column is not None and not partial:
        raise InputError("--wrong-column needs --partial: otherwise all labels but the right ones are wrong")
    rows = layout.read(file)
    with progress(session, json=json), session.open() as workspace:
        wrong = read_wrong(session, workspace, rows, wrong_column, layout.label_separator)
        rows = match_gold(session, workspace.index, rows, keep_unknown=skip_unknown)
        if skip_unknown:
            rows, notes = files.gold_forms.drop_unknown(workspace.index, rows)
            for note in notes:
                say(f"note: {note}")
        said = [row for row, bad in zip(rows, wrong or [()] * len(rows), strict=True) if row.gold or bad]
        if not said:
            raise InputError(f"{file!r} has no labels; name their column with --labels-column")
        if person is None and expert is None and not partial:
            new = walk.labelled_items.store_gold(workspace, rows, Path(file).name, weight)
        else:
            new = learn.corrections.add_statements(
                workspace,
                rows,
                wrong,
                source="review" if person is not None else "gold file" if expert is None else "expert",
                person=next(name for name in (person, expert, Path(file).name) if name is not None),
                complete=not partial,
                weight=weight,
            )
        found = learn.feedback.read_feedback(workspace, items=[row.item for row in said])
    if json:
        print_json({"items": len(said), "new": new, "conflicts": len(found.conflicts)})
    elif not session.quiet:
        silent = len(rows) - len(said)
        say(
            f"{counted(len(said), 'item')}, {new:,} of them new or changed"
            + (f"; nothing is said of {silent:,} without labels" if silent else "")
            + (f"; {counted(found.repeated, 'item')} with the text of another" if found.repeated else "")
        )
        say_conflicts(session, len(found.conflicts))


def read_wrong(
    session: Session, workspace: Workspace, rows: Sequence[ItemRow], column: str | None, separator: str
) -> list[tuple[LabelId, ...]]:
    """Return the labels in a column of wrong ones, row by row; none without a column."""
    if column is None:
        return []
    if not any(column in row.values for row in rows):
        raise InputError(f"there is no column {column!r}, which --wrong-column names")
    cells = [str(row.values.get(column) or "") for row in rows]
    given = [
        replace(
            row,
            gold=tuple(LabelId(part.strip()) for part in cell.split(separator) if part.strip()),
            cell=cell,
        )
        for row, cell in zip(rows, cells, strict=True)
    ]
    return [row.gold for row in match_gold(session, workspace.index, given)]


@command(
    "correct",
    example='taxonaut feedback correct 17 --right "Hiking boots" --wrong Sneakers\n'
    "taxonaut feedback correct 17 --right boots --only --person anna\n"
    "taxonaut feedback correct 17 --take-back",
)
def correct(
    session: Session,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id or text of a labelled item.")],
    right: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="A right label: id, name or path.", show_default=False),
    ] = None,
    wrong: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="A wrong label.", show_default=False)
    ] = None,
    only: Annotated[
        bool,
        typer.Option("--only", help="The right labels are all; without any, no label fits the text."),
    ] = False,
    person: PersonOption = None,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Take back all that this person said about the item.")
    ] = False,
    weight: WeightOption = 1.0,
    json: JsonOption = False,
) -> None:
    """Say which labels of an item are right and which are wrong.

    Options may be given several times. What you said before about other labels stays, and so does what was said of
    this one in the item's history: taxonaut feedback list ITEM.
    """
    if take_back and (right or wrong or only):
        raise InputError(
            "--take-back takes back all that was said; give it without --right, --wrong and --only"
        )
    who = this_person(person)
    with session.open() as workspace:
        done = (
            workspace.take_back(item, person=who)
            if take_back
            else workspace.correct(item, right or (), wrong or (), person=who, complete=only, weight=weight)
        )
        if json:
            print_json(correction_row(done))
        elif not session.quiet:
            print_truth(workspace.index, done.truth)
            if not done.is_new:
                say(f"{who} said so already")
            say_conflicts(session, len(done.conflicts))


@command(
    "list",
    example="taxonaut feedback list\ntaxonaut feedback list 17\ntaxonaut feedback list --json > feedback.json",
)
def list_feedback(
    session: Session,
    item: Annotated[
        str | None,
        typer.Argument(metavar="[ITEM]", help="Id or text of one item: its history.", show_default=False),
    ] = None,
    limit: LimitOption = 20,
    json: JsonOption = False,
) -> None:
    """List what is known about items, and what walks made of it.

    Each text with its right labels, those that were answered and are wrong, and those that were missed; with an ITEM,
    all that was ever said about it.
    """
    with progress(session, json=json), session.open() as workspace:
        if item is not None:
            show_history(workspace, item, json=json)
            return
        found = workspace.feedback()
        names = LabelNames(workspace.index)
        if json:
            print_json([marked_row(each) for each in found.items])
            return
        if not found.items:
            say("nothing is known yet; add labelled items: taxonaut feedback add FILE")
            return
        table = Table("text", "right", "answered and wrong", "missed", box=None, pad_edge=False)
        for each in found.items[: limit or None]:
            text = clipped(printable(" ".join(each.item.text.split())), LONGEST_TEXT)
            missed = names.of(each.missed) if each.run is not None else styled("not walked", "dim")
            table.add_row(styled(text), names.of(each.right), names.of(each.errors), missed)
        out().print(table)
        if session.quiet:
            return
        hits = sum(len(each.hits) for each in found.items)
        missed_labels = sum(len(each.missed) for each in found.items)
        errors = sum(len(each.errors) for each in found.items)
        say(
            f"{counted(len(found.items), 'text')}: {hits:,} labels hit, {missed_labels:,} missed, "
            f"{errors:,} answered labels wrong"
            + (f"; {limit:,} shown, --limit 0 shows all" if 0 < limit < len(found.items) else "")
        )
        for note in learn.feedback.describe_left_out(found):
            say(f"note: {note}")
        say_conflicts(session, len(found.conflicts))


@command("conflicts", example="taxonaut feedback conflicts\ntaxonaut feedback conflicts --json")
def conflicts(session: Session, limit: LimitOption = 20, json: JsonOption = False) -> None:
    """List labels about which people, files or equal texts contradict each other.

    Nothing is learned from these until somebody says otherwise: taxonaut feedback correct ITEM.
    """
    with progress(session, json=json), session.open() as workspace:
        found = workspace.feedback().conflicts
        names = LabelNames(workspace.index)
        if json:
            print_json([conflict_row(each) for each in found])
            return
        texts = {each.id: each.text for each in workspace.items.known([each.item for each in found])}
        table = Table("item", "text", "label", "who says what", box=None, pad_edge=False)
        for each in found[: limit or None]:
            said = "; ".join(describe_statement(one, with_item=True) for one in each.statements)
            text = clipped(printable(" ".join(texts.get(each.item, "").split())), LONGEST_TEXT)
            table.add_row(
                styled(printable(each.item)), styled(text), names.of([each.label]), styled(said, "dim")
            )
        if found:
            out().print(table)
        if not session.quiet:
            say(f"{counted(len(found), 'contradicted label')}")


class LabelNames:
    """Labels as tables show them."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def of(self, labels: Sequence[LabelId]) -> Any:
        """Return the names of labels, those of unknown ones as their ids."""
        known = [label for label in labels if self.index.has_label(label)]
        names = {label.id: label.name for label in self.index.labels(known)}
        return styled(printable(", ".join(names.get(label, label) for label in labels)))


def show_history(workspace: Workspace, given: str, *, json: bool) -> None:
    """Print all that was said about an item, and what holds."""
    item = learn.corrections.find_item(workspace, given)
    said = workspace.ledger.history(item.id)
    truth = next((known for _, known in walk.labelled_items.known_truths(workspace, [item])), None)
    if json:
        print_json({"item_id": item.id, "said": [statement_row(each) for each in said], **truth_row(truth)})
        return
    if not said:
        say(f"nothing was said about {item.id!r} yet")
        return
    names, table = LabelNames(workspace.index), Table.grid(padding=(0, 2))
    for each in said:
        label = names.of([each.label]) if each.label else styled("the whole text", "dim")
        table.add_row(styled(each.made, "dim"), styled(describe_statement(each)), label)
    out().print(table)
    print_truth(workspace.index, truth)


def describe_statement(truth: Truth, *, with_item: bool = False) -> str:
    """Say who says what: `anna (review): wrong`."""
    who = f"{truth.person} ({truth.source})" if truth.person else truth.source
    about = f" of {truth.item}" if with_item and truth.source == "gold file" else ""
    return printable(f"{who}: {truth.verdict}{about}")


def print_truth(index: Index, truth: ItemTruth | None) -> None:
    """Print which labels are right, wrong and contradicted."""
    names = LabelNames(index)
    if truth is None:
        say("nothing is known about it any more")
        return
    table = Table.grid(padding=(0, 2))
    for what, labels in (
        ("right", truth.right),
        ("wrong", truth.wrong),
        ("contradicted", [each.label for each in truth.conflicts]),
    ):
        if labels:
            table.add_row(styled(what, "bold"), names.of(labels))
    if truth.complete:
        table.add_row("", styled("any other label is wrong", "dim"))
    out().print(table)


def say_conflicts(session: Session, count: int) -> None:
    """Say how many labels are contradicted."""
    if count:
        say(
            f"{counted(count, 'label')} contradicted, and left out of learning: "
            f"{session.again('feedback conflicts')}"
        )


def statement_row(truth: Truth) -> dict[str, Any]:
    """Return a statement as JSON has it."""
    return {
        "label_id": truth.label or None,
        "verdict": truth.verdict,
        "source": truth.source,
        "person": truth.person,
        "weight": truth.weight,
        "at": truth.made,
    }


def truth_row(truth: ItemTruth | None) -> dict[str, Any]:
    """Return what holds of an item as JSON has it."""
    if truth is None:
        return {"right": [], "wrong": [], "complete": False, "conflicts": []}
    return {
        "right": list(truth.right),
        "wrong": list(truth.wrong),
        "complete": truth.complete,
        "conflicts": [each.label for each in truth.conflicts],
    }


def correction_row(done: Correction) -> dict[str, Any]:
    """Return a correction as JSON has it."""
    return {"item_id": done.item.id, "is_new": done.is_new, **truth_row(done.truth)}


def conflict_row(conflict: Conflict) -> dict[str, Any]:
    """Return a conflict as JSON has it."""
    return {
        "item_id": conflict.item,
        "label_id": conflict.label,
        "said": [{"item_id": each.item, **statement_row(each)} for each in conflict.statements],
    }


def marked_row(item: MarkedItem) -> dict[str, Any]:
    """Return what is known and marked of a text as JSON has it."""
    return {
        "item_ids": list(item.ids),
        "text": item.item.text,
        "right": list(item.right),
        "weights": dict(item.weights),
        "wrong": list(item.wrong),
        "complete": item.complete,
        "errors": list(item.errors),
        "missed": list(item.missed),
        "nodes": {str(node): mark for node, mark in item.nodes.items()},
        "run_id": item.run,
        "index": item.index_version,
        "models": item.models,
    }
