"""`taxonaut learn log`, `show`, `adopt`, `undo` and `compare`: the versions of what was learned."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from taxonaut.cli.learn.learned_view import (
    card_row,
    describe_changes,
    describe_comparison,
    describe_parts,
    describe_sources,
)
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import LabelledFileOptions, match_gold
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.state.errors import InputError

NumberArgument = Annotated[int, typer.Argument(metavar="N", min=0, help="Number of the version; 0: none.")]


@command("log", example="taxonaut learn log")
def log(session: Session, *, json: JsonOption = False) -> None:
    """List what was learned, and from when on which version was in use."""
    with session.open() as workspace:
        learned = workspace.learned
        cards, rows, in_use = learned.cards(), learned.log(), learned.in_use
    if json:
        print_json(
            {"in_use": in_use, "versions": list(map(card_row, cards)), "log": [asdict(row) for row in rows]}
        )
        return
    if not cards:
        say("nothing was learned yet; learn from labelled items: " + session.again("learn run ITEMS"))
    for card in cards:
        gain = card.measures.get("gain")
        gate = "passed the gate" if card.measures.get("passed") else "did not pass the gate"
        said = "" if gain is None else f", {100 * gain:+.1f} points on average"
        items = counted(card.data.get("items", 0), "item")
        mark = "*" if card.number == in_use else " "
        show_line(f"{mark} {card.number}  {card.made}  {', '.join(card.learners)}  {items}  {gate}{said}")
    for row in rows:
        show_line(f"  {row.made}  {f'version {row.number}' if row.number else 'none'} in use: {row.reason}")


@command("show", example="taxonaut learn show 1")
def show(session: Session, number: NumberArgument, *, json: JsonOption = False) -> None:
    """Show the card of a version: data, settings, measures, changed answers."""
    with session.open() as workspace:
        card = workspace.learned.card(number)
        parts = card.measures.get("parts", {})
        lines = [*describe_sources(card), *describe_parts(parts), *describe_changes(parts, workspace.index)]
    if json:
        print_json(card_row(card))
        return
    show_line(f"version {card.number} of {card.made}, learned with the embedder {card.embedder}")
    for title, values in (("data", card.data), ("settings", card.settings)):
        said = ", ".join(
            f"{name} {value}" for name, value in values.items() if name not in ("notes", "fingerprint")
        )
        show_line(f"  {title}: {said}")
    show_line(
        "  the measures are of the gate's fit, without what is held out; the version itself was fitted on everything"
    )
    for line in lines:
        show_line(line)


@command("adopt", example="taxonaut learn adopt 2\ntaxonaut learn adopt 0")
def adopt(session: Session, number: NumberArgument) -> None:
    """Use a version from now on; 0: nothing that was learned."""
    with session.open() as workspace:
        workspace.learned.adopt(number)
    what = f"version {number} is in use" if number else "nothing that was learned is in use"
    say(f"{what}; to go back: {session.again('learn undo')}")


@command("undo", example="taxonaut learn undo")
def undo(session: Session) -> None:
    """Use what was in use before the last change."""
    with session.open() as workspace:
        number = workspace.learned.undo().number
    say(f"version {number} is in use again" if number else "nothing that was learned is in use any more")


@command(
    "compare",
    example="taxonaut learn compare test.jsonl\ntaxonaut learn compare test.jsonl --first 1 --second 2",
)
def compare(
    session: Session,
    file: Annotated[
        str, typer.Argument(metavar="ITEMS", help="Items with their labels.", show_default=False)
    ],
    first: Annotated[int, typer.Option(metavar="N", min=0, help="A version; 0: nothing learned.")] = 0,
    second: Annotated[
        int | None,
        typer.Option(
            metavar="M", min=0, help="Another. Default: the one in use, else the last.", show_default=False
        ),
    ] = None,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Compare two versions, or one with none, on labelled items: measures, and answers that changed."""
    with progress(session, json=json) as bar, session.open() as workspace:
        learned = workspace.learned
        other = (
            second
            if second is not None
            else learned.in_use or max((each.number for each in learned.cards()), default=0)
        )
        if other == first:
            raise InputError(
                f"both versions are {first}; name two different ones with --first and --second: "
                + session.again("learn log")
            )
        rows = match_gold(session, workspace.index, layout.read(file))
        bar.stage("comparing")
        found = learned.compare(first, other, rows)
        own = {number: learned.learned_from(number, rows) for number in (first, other)}
        lines = list(describe_comparison(found, workspace.index))
    if json:
        print_json({"first": first, "second": other, "learned_from": own, **found.row()})
        return
    for number, count in own.items():
        if count:
            say(
                f"note: version {number} learned from {count:,} of these items: it is measured too well on them"
            )
    show_line(
        f"{f'version {first}' if first else 'nothing learned'} -> version {other}, in % with 95 % intervals:"
    )
    for line in lines:
        show_line(line)


def show_line(line: str) -> None:
    """Print a line as it is, without breaking it."""
    out().print(styled(line), soft_wrap=True)
