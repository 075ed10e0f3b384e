"""`taxonaut recommend evaluate`: the same next-item model on different codes of the same items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut import recommend
from taxonaut.cli.recommend.history_options import HistoryOptions
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.state.errors import InputError
from taxonaut.workspace import files

if TYPE_CHECKING:
    from taxonaut.recommend.codes_comparison import CodesResult

IDS = "ids"


@command(
    "evaluate",
    example="taxonaut recommend evaluate events.csv --codes ours=office.ids.json\n"
    "taxonaut recommend evaluate events.csv --codes ours=ids.json --codes rqvae=rqvae_index.json --keep models\n"
    "taxonaut recommend evaluate office.inter --codes ours=ids.json --seeds 1 --epochs 5 --json",
)
def evaluate(
    session: Session,
    histories: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Users' events, or a history a line (.csv, .jsonl, .parquet, .inter)."
        ),
    ],
    codes: Annotated[
        list[str] | None,
        typer.Option(
            "--codes",
            metavar="NAME=FILE",
            help="Codes of all items: JSON, {item: [token, …]}; may be given again and again.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Train with N seeds.")] = 3,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Train at most N epochs. Default: 40.", show_default=False)
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            metavar="DIR",
            help="Keep trained models in DIR, and take them from it.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write all numbers to FILE (.json).", show_default=False
        ),
    ] = None,
    *,
    layout: HistoryOptions,
    json: JsonOption = False,
) -> None:
    """Train a small next-item model on codes of items, and measure it.

    Each user's last item is held out for the measures, the one before to choose the epoch. All items are ranked. Rows
    are what is popular, what followed the last item in training, ids (a token an item), and each of --codes: how
    much do the codes tell? The items are those of the first codes. Requires: pip install 'taxonaut[recommend]'.
    """
    if output:
        files.output_files.check_output(Path(output), [histories])
    named = split_names(codes or [])
    rows = {name: recommend.item_codes.read_code_rows(path) for name, path in named.items()}
    items = tuple(next(iter(rows.values())))
    data = recommend.split_histories(read := layout.read(histories, set(items)), items)
    chosen = [
        recommend.item_ids(items),
        *(recommend.make_codes(name, items, each) for name, each in rows.items()),
    ]
    if not session.quiet:
        say(
            f"{counted(len(data.train), 'user')}, {counted(read.events, 'event')}, {counted(len(items), 'item')}; "
            f"{len(data.valid):,} held out to choose the epoch, {len(data.test):,} to measure"
        )
        for note in read.notes():
            say(f"note: {note}")

    def show(row: CodesResult) -> None:
        if not session.quiet:
            say(f"measured {row.name}" + (f" ({row.seconds:.0f} s of training)" if row.seconds else ""))

    with progress(session, json=json):
        found = recommend.compare_codes(
            data,
            chosen,
            seeds=seeds,
            training=recommend.codes_comparison.shortened(recommend.Training(), epochs),
            keep=Path(keep) if keep else None,
            on_row=show,
        )
    if output:
        with files.output_files.write_atomically(Path(output)) as raw:
            raw.write(recommend.codes_comparison.results_json(found))
    if json:
        print_json([row.as_json() for row in found])
    else:
        for line in table_lines(found):
            typer.echo(line)


def split_names(codes: Sequence[str]) -> dict[str, Path]:
    """Return the files of `NAME=FILE`, by name. Raises InputError for none, or a name that is taken."""
    found: dict[str, Path] = {}
    for given in codes:
        name, equals, path = given.partition("=")
        if not equals or not name or not path or name == IDS or name in found:
            raise InputError(
                f"--codes {given!r} is not NAME=FILE with a name of its own; {', '.join([IDS, *found])} are taken"
            )
        found[name] = Path(path)
    if not found:
        raise InputError(
            "there are no codes; give some with --codes NAME=FILE, as written by: taxonaut recommend export"
        )
    return found


def table_lines(rows: Sequence[CodesResult]) -> list[str]:
    """Return the rows as aligned lines; measures in per cent, ± the standard deviation over seeds."""
    names = list(rows[0].measures)
    cells = [["codes", *names, "slots", "tokens", "epochs"]]
    for row in rows:
        several = len(row.epochs) > 1
        values = [
            f"{100 * mean:.2f}" + (f" ±{100 * spread:.2f}" if several else "")
            for mean, spread in (row.measures[name] for name in names)
        ]
        counts = [f"{count:,}" if count else "–" for count in (row.slots, row.tokens)]
        cells.append([row.name, *values, *counts, ", ".join(map(str, row.epochs)) or "–"])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
