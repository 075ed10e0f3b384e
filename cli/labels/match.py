"""`taxonaut labels match`: a mapping table from one taxonomy to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

import taxonaut
from taxonaut import models
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, print_json, styled
from taxonaut.state.errors import InputError
from taxonaut.workspace import labels
from taxonaut.workspace.files.output_files import check_output

if TYPE_CHECKING:
    from taxonaut.workspace.files.label_files import LabelFile
    from taxonaut.workspace.labels.label_match import LabelMatch

SHOWN = 20
LONGEST = 60
_MOST_FILES = 2


@command(
    "match",
    example="taxonaut labels match google.txt -o mapping.csv\n"
    "taxonaut labels match shop.csv google.txt --top 3 -o mapping.xlsx",
)
def match(
    session: Session,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[FROM] TO", help="Label files. With one, the labels of the workspace are mapped to it."
        ),
    ],
    top: Annotated[int, typer.Option(min=1, max=100, help="Candidates for each label.")] = 1,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out matches with a lower score.")
    ] = 0.0,
    one_to_one: Annotated[
        bool, typer.Option("--one-to-one", help="No two labels are mapped to the same one.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the table to a file: .csv, .tsv, .xlsx, .json, .jsonl, .parquet, .arrow, or .ttl with SKOS "
            "mappings.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Print at most N matches; 0 for all.")] = SHOWN,
    json: JsonOption = False,
) -> None:
    """Map the labels of one taxonomy to those of another.

    Names, alternative names and paths are compared by their words and by vectors of the workspace's embedder. Each
    match has a score and a kind: exact (the same name and place), close, or broad (the other is the more general).
    The trees and the order of the files do not matter.
    """
    if len(files) > _MOST_FILES:
        raise InputError(
            f"{len(files)} files are given; give one (from the workspace to it) or two (from, to)"
        )
    if output is not None:
        check_output(Path(output), files)
    with progress(session, json=json) as bar:
        bar.stage(f"reading {' and '.join(files)}")
        read = [taxonaut.read_labels(each) for each in files]
        bar.stage("comparing")
        matches = find_matches(session, read, top=top, least=min_score, one_to_one=one_to_one)
    if output is not None:
        labels.match_table.write_matches(output, matches, files)
    elif json:
        print_json([labels.match_table.match_row(match) for match in matches])
    else:
        print_matches(matches[: limit or None])
    if not session.quiet:
        say(summary(matches, output, len(matches) if json or output else limit))


def find_matches(
    session: Session, read: Sequence[LabelFile], *, top: int, least: float, one_to_one: bool
) -> list[LabelMatch]:
    """Match two files, or the workspace and a file."""
    if len(read) == 1:
        with session.open() as workspace:
            return workspace.match_labels(read[0], top=top, least=least, one_to_one=one_to_one)
    config, injected = session.settings()
    embedder = injected.embedder or models.catalog.open_embedder(config.embeddings)
    source, target = map(labels.label_sets.set_from_file, read)
    return labels.label_match.match_sets(
        source, target, embedder.embed, top=top, least=least, one_to_one=one_to_one
    )


def print_matches(matches: Sequence[LabelMatch]) -> None:
    """Print matches, the first of each label with what it is mapped from."""
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    for match in matches:
        source = " > ".join(match.source.path) if match.rank == 1 else ""
        table.add_row(
            styled(clipped(source, LONGEST)),
            styled(match.kind),
            styled(clipped(" > ".join(match.target.path), LONGEST)),
            styled(f"{match.score:.2f}"),
        )
    if matches:
        out().print(table)


def summary(matches: Sequence[LabelMatch], output: str | None, limit: int) -> str:
    """Say how many labels are mapped, and how."""
    first = [match for match in matches if match.rank == 1]
    kinds = Counter(match.kind for match in first)
    said = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    where = f" -> {output}" if output is not None else ""
    more = f"; {limit:,} shown, -o FILE writes all" if 0 < limit < len(matches) else ""
    return f"{counted(len(first), 'label')} mapped ({said or 'none'}){where}{more}"
