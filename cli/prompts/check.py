"""`taxonaut prompts check`: check templates for undefined and unused variables, length and lost prefix sharing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from taxonaut.cli.prompts.show import library
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.cli.shared.watch import watch
from taxonaut.state.errors import LockedError, WorkspaceError
from taxonaut.state.workspace_folder import PROMPTS_FOLDER
from taxonaut.workspace import prompt_lab

if TYPE_CHECKING:
    from taxonaut.workspace.prompt_lab.checked_template import Sample
    from taxonaut.workspace.prompt_lab.checks import BlockLength, Finding, Report

STYLES = {"error": "red", "warning": "yellow"}
WIDTH = max(map(len, STYLES))

FOLDER = "prompts/"


def print_reports(
    console: Console,
    reports: Sequence[Report],
    stray: Sequence[Finding],
    *,
    quiet: bool,
    again: Callable[[str], str],
) -> None:
    """Print the templates that were edited or have findings, then the stray files, then the rest in one line."""
    shown = [report for report in reports if report.edited or report.findings or len(reports) == 1]
    for report in shown:
        print_report(console, report)
    for finding in stray:
        console.print(
            styled(f"{finding.level:<{WIDTH}}", STYLES[finding.level]),
            styled(f"{FOLDER}{finding.file}: {finding.message}"),
            soft_wrap=True,
        )
    others = len(reports) - len(shown)
    if others and not quiet:
        console.print(styled(f"{counted(others, 'packaged template')}: nothing to report", "dim"))
    if not quiet and not any(report.edited for report in reports):
        console.print(
            styled(f"none is edited; take a copy: {again('prompts eject NAME --block system')}", "dim")
        )


def print_report(console: Console, report: Report) -> None:
    """Print one template: which copy it is, how long its blocks are, and the findings."""
    head = styled(report.name, "bold")
    head.append(f"  {'your copy' if report.edited else 'packaged'} {report.hash}".rstrip(), "dim")
    head.append(f"  {describe_samples(report)}", "dim")
    console.print(head, soft_wrap=True)
    if report.lengths and report.counter is not None:
        console.print(length_line(report), soft_wrap=True)
    for finding in report.findings:
        line = styled("  ")
        line.append(f"{finding.level:<{WIDTH}}", STYLES[finding.level])
        line.append(f"  {location(finding)}", "dim")
        line.append_text(styled(f"  {finding.message}"))
        console.print(line, soft_wrap=True)
    if not report.findings:
        console.print(styled("  nothing to report", "green"))
    console.print()


def describe_samples(report: Report) -> str:
    """Say what a template was rendered with."""
    if report.samples:
        return f"rendered with {counted(report.samples, 'recorded decision')}"
    return "rendered with the packaged example, as it has made no decision here yet"


def length_line(report: Report) -> Text:
    """Return the tokens of each block, and how many more than in the packaged template."""

    assert report.counter is not None
    per = {
        "system": "a run",
        "context": f"a {prompt_lab.checks.context_unit(report.name)}",
        "item": "an item",
    }
    line = styled(f"  {'tokens':<{WIDTH}}")
    for block in report.lengths:
        line.append(f"  {block.block} {block.tokens:,}")
        line.append_text(length_difference(block, per[block.block]))
    how = (
        f"counted by {report.counter.model}"
        if report.counter.exact
        else "estimated: four characters are a token"
    )
    line.append(f"  ({how})", "dim")
    return line


def length_difference(length: BlockLength, per: str) -> Text:
    """Return the difference to the packaged block: red if longer, green if shorter."""
    difference = length.tokens - length.packaged
    if not difference:
        return styled("")
    return styled(f" ({difference:+,} {per})", "red" if difference > 0 else "green")


def location(finding: Finding) -> str:
    """Return the file, line and block of a finding."""
    place = finding.file and f"{finding.file}:{finding.line}" if finding.line else finding.file
    shown = place if not place or place.startswith("packaged/") else FOLDER + place
    return " ".join(part for part in (shown, finding.block) if part)


def report_row(report: Report) -> dict[str, Any]:
    """Return a report for --json."""
    return {
        "name": report.name,
        "copy": "workspace" if report.edited else "packaged",
        "path": str(report.path),
        "hash": report.hash,
        "samples": report.samples,
        "model": None if report.counter is None else report.counter.model,
        "counted": None if report.counter is None else "exactly" if report.counter.exact else "roughly",
        "tokens": {
            length.block: {"copy": length.tokens, "packaged": length.packaged} for length in report.lengths
        },
        "findings": [finding_row(finding) for finding in report.findings],
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    """Return a finding for --json."""
    return {
        "level": finding.level,
        "rule": finding.rule,
        "block": finding.block or None,
        "file": finding.file or None,
        "line": finding.line or None,
        "message": finding.message,
    }


FOUND = 1

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME", help="Templates, such as navigator/expand. Default: all.", show_default=False
    ),
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Check again each time a template is saved, until Ctrl-C.")
]

EXAMPLES = """\
taxonaut prompts check
taxonaut prompts check navigator/expand --watch"""


@command("check", example=EXAMPLES)
def check_prompts(
    session: Session, names: NamesArgument = None, watch: WatchOption = False, json: JsonOption = False
) -> None:
    """Check templates for undefined and unused variables, render errors, length, and lost prefix sharing.

    Templates are rendered with the variables of recorded decisions, edited ones first. Exit code 1 if there are
    errors, 0 if there are only warnings.
    """
    samples = read_samples(session)
    if watch:
        watch_folder(session, lambda: report_checks(session, names or [], samples, json=json))
    elif report_checks(session, names or [], samples, json=json):
        raise typer.Exit(FOUND)


def watch_folder(session: Session, work: Callable[[], object]) -> None:
    """Call `work`, and again each time a file in the workspace's prompts folder is saved."""

    if not session.has_workspace:
        raise WorkspaceError(
            f"{str(session.folder)!r} is no workspace, so no template can be edited; name one with -w DIR"
        )

    def once() -> None:
        work()

    watch(session, session.folder / PROMPTS_FOLDER, once, pattern="*")


def read_samples(session: Session) -> dict[str, list[Sample]]:
    """Return the variables of recorded decisions by template; the workspace is closed again at once."""
    if not session.has_workspace:
        return {}

    try:
        with session.open() as workspace:
            return {name: list(samples) for name, samples in workspace.samples.all().items()}
    except LockedError:
        if not session.quiet:
            say(
                "the workspace is in use by another process, so its recorded decisions cannot be read: "
                "templates are rendered with the packaged examples"
            )
        return {}


def report_checks(
    session: Session, names: list[str], samples: dict[str, list[Sample]], *, json: bool
) -> bool:
    """Check templates, print the findings, and return whether there are errors."""

    prompts = library(session)
    reports = prompt_lab.checks.check(prompts, samples, session.settings()[0], names)
    stray = [] if names else prompt_lab.checks.find_stray_files(prompts)
    if json:
        print_json(
            {
                "templates": [report_row(each) for each in reports],
                "stray": [finding_row(each) for each in stray],
            }
        )
    else:
        print_reports(out(), reports, stray, quiet=session.quiet, again=session.again)
    return any(finding.level == "error" for report in reports for finding in report.findings)
