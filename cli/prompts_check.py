"""`taxonaut prompts check`: what an edited template no longer says, says wrongly, or makes every item pay for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.prompts_show import library
from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from taxonaut.workspace.prompt_subject import Sample

app = typer.Typer()

FOUND = 1

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...", help="Templates, such as navigator/expand; else all.", show_default=False
    ),
]
WatchOption = Annotated[bool, typer.Option("--watch", help="Check again whenever a template is saved.")]

EXAMPLES = """\
taxonaut prompts check
taxonaut prompts check navigator/expand --watch"""


@command(app, "check", example=EXAMPLES)
def check_prompts(
    session: Session, names: NamesArgument = None, watch: WatchOption = False, json: JsonOption = False
) -> None:
    """Examine templates, the edited ones first, with what they were rendered with in real decisions.

    Names undefined and unused variables, what became longer, what items no longer share, and instructions that the
    schema of the tool call contradicts. Exit code 1 if there are errors; warnings alone end with 0.
    """
    samples = recorded(session)
    if watch:
        watch_folder(session, lambda: told(session, names or [], samples, json=json))
    elif told(session, names or [], samples, json=json):
        raise typer.Exit(FOUND)


def watch_folder(session: Session, work: "Callable[[], object]") -> None:
    """Do the work, and again whenever something in the workspace's prompts folder is saved."""
    from taxonaut.cli.watching import watch
    from taxonaut.state.errors import WorkspaceError

    if not session.has_workspace:
        raise WorkspaceError(
            f"{str(session.folder)!r} is no workspace, so no copy can change; name one with -w DIR"
        )

    def once() -> None:
        work()

    watch(session, session.folder / "prompts", once, pattern="*")


def recorded(session: Session) -> "dict[str, list[Sample]]":
    """Return the variables of recorded decisions; the workspace is open no longer than that takes."""
    if not session.has_workspace:
        return {}
    from taxonaut.cli.reporting import say
    from taxonaut.state.errors import LockedError

    try:
        with session.open() as workspace:
            return {name: list(samples) for name, samples in workspace.samples.all().items()}
    except LockedError:
        if not session.quiet:
            say(
                "another process is at work in the workspace, so its decisions cannot be read: examples stand in"
            )
        return {}


def told(session: Session, names: list[str], samples: "dict[str, list[Sample]]", *, json: bool) -> bool:
    """Check, print what was found, and say whether there are errors."""
    from taxonaut.cli.prompt_check_view import print_reports, report_row, stray_row
    from taxonaut.cli.terminal import out, print_json
    from taxonaut.workspace.prompt_checks import check, strays

    prompts = library(session)
    reports = check(prompts, samples, session.config(), names)
    stray = [] if names else strays(prompts)
    if json:
        print_json(
            {
                "templates": [report_row(each) for each in reports],
                "stray": [stray_row(each) for each in stray],
            }
        )
    else:
        print_reports(out(), reports, stray, quiet=session.quiet, again=session.again)
    return any(finding.level == "error" for report in reports for finding in report.findings)
