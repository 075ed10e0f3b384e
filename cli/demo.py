"""`taxonaut demo`: label the packages of this environment with PyPI's classifiers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.progress import progress
from taxonaut.cli.session import Session, command

if TYPE_CHECKING:
    from taxonaut.evaluation.demo import DemoReport

app = typer.Typer()

DEFAULT_FOLDER = Path("taxonaut-demo")
SHOWN = 20

AllOption = Annotated[bool, typer.Option("--all", help=f"Show all packages, not {SHOWN} of them.")]


@command(app, "demo", example="taxonaut demo\ntaxonaut demo --workspace /tmp/demo --all")
def demo(session: Session, all_packages: AllOption = False) -> None:
    """Label the Python packages of this environment with PyPI's classifiers, and say how well it went.

    The workspace is kept (in --workspace, else in taxonaut-demo): a second run asks no model again.
    """
    from taxonaut.cli.demo_view import print_demo
    from taxonaut.cli.explanation_view import print_explanation
    from taxonaut.cli.terminal import out, styled

    folder = session.folder if session.is_named else DEFAULT_FOLDER
    report = run(session, folder)
    console = out()
    print_demo(console, report, len(report.packages) if all_packages else SHOWN)
    print_explanation(console, report.walk)
    asked = (
        f"{report.asked:,} requests in this run"
        if report.asked
        else "no model was asked: all was kept from before"
    )
    console.print(styled(f"\n{asked}. Try it yourself:", "dim"))
    console.print(styled(f'  taxonaut classify -w {report.folder} "a library for resizing photos"', "bold"))


def run(session: Session, folder: Path) -> "DemoReport":
    """Run the demo under a bar."""
    from taxonaut.evaluation.demo import arun
    from taxonaut.graphs.portal import PORTAL

    with progress(session) as bar:
        started: set[str] = set()

        def on_progress(method: str, done: int, total: int) -> None:
            if method not in started:
                started.add(method)
                bar.stage(f"labelling packages ({method})", total)
            bar.at(done, total)

        bar.stage("reading packages and classifiers")
        return PORTAL.run(arun(folder, on_progress))
