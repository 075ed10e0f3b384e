"""The command `taxonaut`: its groups, its help, its exit codes."""

from typing import Annotated

import typer

from taxonaut.cli import demo, init, models, tools
from taxonaut.cli.chat import chat
from taxonaut.cli.classify import categorize, classify, explain
from taxonaut.cli.evaluate import evaluate
from taxonaut.cli.expert import group as expert
from taxonaut.cli.index import commands as index
from taxonaut.cli.labels import commands as labels
from taxonaut.cli.prompts import group as prompts
from taxonaut.cli.shared.exit_codes import EXIT_CODES, ReportingGroup
from taxonaut.cli.shared.session import DebugOption, QuietOption, Session, WorkspaceOption
from taxonaut.cli.vocabulary import group as vocabulary

HELP = """Label texts by walking a large label tree.

A workspace is a folder with your labels, their tree and your settings. Make one (init), import labels \
(labels import), build a tree if they have none (index build), and label texts (classify).
"""

app = typer.Typer(
    name="taxonaut",
    cls=ReportingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes:\n" + "\n".join(f"{code:>5}  {meaning}" for code, meaning in EXIT_CODES.items()),
)
for module in (
    init,
    labels,
    index,
    classify,
    categorize,
    explain,
    evaluate,
    vocabulary,
    expert,
    chat,
    models,
    tools,
    prompts,
    demo,
):
    app.add_typer(module.app)


def show_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        from taxonaut import __version__

        typer.echo(f"taxonaut {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and end."),
]


@app.callback(help=HELP)
def taxonaut(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Start a session; the command's name comes next."""
    context.obj = Session(chosen=workspace, quiet=quiet, debug=debug)


def main() -> None:
    """Run the command line."""
    app()
