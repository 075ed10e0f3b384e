"""`taxonaut prompts check`: what an edited template no longer says, says wrongly, or makes every item pay for."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.prompts.show import library
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, styled

if TYPE_CHECKING:
    from rich.console import Console

    from taxonaut.workspace.prompt_lab.checks import Report
    from taxonaut.workspace.prompt_lab.lengths import BlockLength
    from taxonaut.workspace.prompt_lab.subject import Finding, Sample


STYLES = {"error": "red", "warning": "yellow", "note": "dim"}
WIDEST = max(map(len, STYLES))

FOLDER = "prompts/"


def print_reports(
    console: "Console",
    reports: "Sequence[Report]",
    stray: "Sequence[Finding]",
    *,
    quiet: bool,
    again: Callable[[str], str],
) -> None:
    """Print what was found: each template that was edited or has findings, then the rest in a line."""
    spoken = [report for report in reports if report.edited or report.findings or len(reports) == 1]
    for report in spoken:
        print_report(console, report)
    for finding in stray:
        console.print(
            styled(f"{finding.level:<{WIDEST}}", STYLES[finding.level]),
            styled(f"{FOLDER}{finding.file}: {finding.message}"),
            soft_wrap=True,
        )
    silent = len(reports) - len(spoken)
    if silent and not quiet:
        console.print(styled(f"{counted(silent, 'packaged template')}: nothing to report", "dim"))
    if not quiet and not any(report.edited for report in reports):
        console.print(
            styled(f"none is edited; take a copy: {again('prompts eject NAME --block system')}", "dim")
        )


def print_report(console: "Console", report: "Report") -> None:
    """Print one template: what it is, how long its blocks are, what was found."""
    head = styled(report.name, "bold")
    head.append(f"  {'your copy' if report.edited else 'packaged'} {report.hash}".rstrip(), "dim")
    head.append(f"  {basis(report)}", "dim")
    console.print(head, soft_wrap=True)
    if report.lengths and report.reader is not None:
        console.print(length_line(report), soft_wrap=True)
    for finding in report.findings:
        line = styled("  ")
        line.append(f"{finding.level:<{WIDEST}}", STYLES[finding.level])
        line.append(f"  {where(finding)}", "dim")
        line.append_text(styled(f"  {finding.message}"))
        console.print(line, soft_wrap=True)
    if not report.findings:
        console.print(styled("  nothing to report", "green"))
    console.print()


def basis(report: "Report") -> str:
    """Say what a template was rendered with."""
    if report.samples:
        return f"rendered with {counted(report.samples, 'recorded decision')}"
    return "rendered with the packaged example, as it has decided nothing here yet"


def length_line(report: "Report") -> Any:
    """The tokens of each block, and how many more than in the packaged template."""
    from taxonaut.workspace.prompt_lab.lengths import repeats

    assert report.reader is not None
    per = {"system": "a run", "context": f"a {repeats(report.name)}", "item": "an item"}
    line = styled(f"  {'tokens':<{WIDEST}}")
    for block in report.lengths:
        line.append(f"  {block.block} {block.tokens:,}")
        line.append_text(more(block, per[block.block]))
    way = (
        f"as {report.reader.model} counts" if report.reader.exact else "roughly: a token for four characters"
    )
    line.append(f"  ({way})", "dim")
    return line


def more(length: "BlockLength", per: str) -> Any:
    """The difference to the packaged block: red if it is longer, green if it is shorter."""
    difference = length.tokens - length.packaged
    if not difference:
        return styled("")
    return styled(f" ({difference:+,} {per})", "red" if difference > 0 else "green")


def where(finding: "Finding") -> str:
    """Say in which file, line and block something was found."""
    place = finding.file and f"{finding.file}:{finding.line}" if finding.line else finding.file
    shown = place if not place or place.startswith("packaged/") else FOLDER + place
    return " ".join(part for part in (shown, finding.block) if part)


def report_row(report: "Report") -> dict[str, Any]:
    """Return a report as JSON has it."""
    return {
        "name": report.name,
        "copy": "workspace" if report.edited else "packaged",
        "path": str(report.path),
        "hash": report.hash,
        "samples": report.samples,
        "model": None if report.reader is None else report.reader.model,
        "counted": None if report.reader is None else "exactly" if report.reader.exact else "roughly",
        "tokens": {
            length.block: {"copy": length.tokens, "packaged": length.packaged} for length in report.lengths
        },
        "findings": [stray_row(finding) for finding in report.findings],
    }


def stray_row(finding: "Finding") -> dict[str, Any]:
    """Return a finding as JSON has it."""
    return {
        "level": finding.level,
        "rule": finding.rule,
        "block": finding.block or None,
        "file": finding.file or None,
        "line": finding.line or None,
        "message": finding.message,
    }


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
    from taxonaut.cli.shared.watch import watch
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
    from taxonaut.cli.shared.exit_codes import say
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
    from taxonaut.cli.shared.terminal import out, print_json
    from taxonaut.workspace.prompt_lab.checks import check, strays

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
