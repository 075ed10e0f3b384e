"""`taxonaut prompts try`: what an edited template changes, on items, beside what it costs."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.prompts_show import NameArgument
from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from taxonaut.cli.progress import Bar
    from taxonaut.evaluation.trial import TrialReport
    from taxonaut.evaluation.trial_changes import Change
    from taxonaut.workspace.item_files import ItemRow

app = typer.Typer()

EXAMPLES = """\
taxonaut prompts try navigator/expand --on dev.jsonl --limit 100
taxonaut prompts try navigator/expand --on dev.jsonl --limit 100 --watch
taxonaut prompts try general_expert/rank --on dev.jsonl --against 4f2c9a -o changed.jsonl"""


@command(app, "try", example=EXAMPLES)
def try_template(
    session: Session,
    name: NameArgument,
    on: Annotated[
        str, typer.Option("--on", metavar="ITEMS", help="A file of texts, best with their right labels.")
    ],
    against: Annotated[
        str,
        typer.Option(metavar="HASH", help="The version to compare with: packaged, or a hash of prompts log."),
    ] = "packaged",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many texts, from the top.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="Shuffles options, alike for both; else as in taxonaut.toml.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Templates of categorize: all items go to the general expert."),
    ] = False,
    limit_changes: Annotated[int, typer.Option(min=0, metavar="N", help="Changed decisions to show.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write all changed decisions there, .jsonl.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Try again on each save, until Ctrl-C.")] = False,
    text_column: Annotated[str, column("--text-column", "the text")] = "text",
    id_column: Annotated[str, column("--id-column", "its id; without one its line number is the id")] = "id",
    labels_column: Annotated[str, column("--labels-column", "the ids of its right labels")] = "labels",
    label_separator: Annotated[
        str, typer.Option(metavar="SIGN", help="What divides labels in a cell.", rich_help_panel=FILE_PANEL)
    ] = ";",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    json: JsonOption = False,
) -> None:
    """Run two versions of a template on the same texts: quality, cost, and each decision that changed.

    The copy that counts is compared with the packaged one, or with any version that ran here. Only prompts that
    render otherwise are asked; all else comes from the cache. Differences have a 95 % bootstrap interval over the
    texts, and the first label McNemar's exact test. What is finished is kept: the same command continues.
    """
    from taxonaut.cli.prompts_check import watch_folder
    from taxonaut.workspace.item_files import ItemColumns, open_items

    columns = ItemColumns(
        id=id_column, text=text_column, labels=labels_column, label_separator=label_separator
    )
    file = open_items(on, columns, format=format, encoding=encoding)  # type: ignore[arg-type]
    rows = list(islice(file.rows(), limit))

    def once() -> None:
        report = tried(session, name, rows, against, seed, everything=everything, json=json)
        if output is not None:
            write_changes(output, report.changes)
        show(session, report, limit_changes, output, json=json)

    if watch:
        watch_folder(session, once)
    else:
        once()


def tried(
    session: Session,
    name: str,
    rows: "list[ItemRow]",
    against: str,
    seed: int | None,
    *,
    everything: bool,
    json: bool,
) -> "TrialReport":
    """Make one trial; the workspace is open only meanwhile, so that other commands may use it between two."""
    from taxonaut.cli.progress import progress
    from taxonaut.cli.reporting import InterruptedWork
    from taxonaut.evaluation.trial import try_version
    from taxonaut.workspace.trying import reader

    with progress(session, json=json) as bar, session.open() as workspace:
        reader(workspace, name)
        bar.stage("embedding labels")
        if workspace.compares_vectors:
            workspace.embed_labels(bar.at)
        bar.stage("preparing")
        stages = Stages(bar)
        try:
            return try_version(
                workspace,
                name,
                rows,
                against=against,
                seed=seed,
                everything=everything,
                on_progress=stages.at,
            )
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None


class Stages:
    """Turns a trial's progress into the bar's: each version is a stage."""

    def __init__(self, bar: "Bar") -> None:
        self.bar = bar
        self.present = ""

    def at(self, version: str, done: int, total: int) -> None:
        """Show how far a version is."""
        if version != self.present:
            self.present = version
            self.bar.stage(version, total)
        self.bar.at(done, total)


def write_changes(path: Path, changes: "tuple[Change, ...]") -> None:
    """Write changed decisions, a JSON object a line."""
    import json

    from taxonaut.workspace.index_file import written_whole

    with written_whole(path) as file:
        for change in changes:
            line = json.dumps(change.row(), ensure_ascii=False) + "\n"
            file.write(line.encode("utf-8", "replace"))


def show(session: Session, report: "TrialReport", limit: int, output: Path | None, *, json: bool) -> None:
    """Print a trial."""
    from taxonaut.cli.reporting import say
    from taxonaut.cli.terminal import counted, out, print_json
    from taxonaut.cli.trial_view import print_trial, rows
    from taxonaut.evaluation.trial import summary

    if json:
        print_json({**summary(report), "changes": rows(report.changes)})
    else:
        print_trial(out(), report, limit)
    if output is not None and str(output) != "-" and not session.quiet:
        say(f"{counted(len(report.changes), 'changed decision')} -> {output}")
