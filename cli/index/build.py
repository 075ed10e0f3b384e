"""`taxonaut index build`: build the tree to walk, or say what that would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table

from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.item_command import describe_failures, fail_if_some_failed
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.workspace import build

if TYPE_CHECKING:
    from taxonaut.state.index.reader import IndexStats
    from taxonaut.state.stores.decisions import Totals
    from taxonaut.workspace.build.agents_tree import BuildReport
    from taxonaut.workspace.build.build_estimate import BuildEstimate
    from taxonaut.workspace.workspace import Workspace

SHOWN = 5
"""Refused splits that are shown; all of them are in the JSON."""


@command(
    "build",
    example="taxonaut index build --k 16 --terminal-size 64\n"
    "taxonaut index build --method agents --estimate\n"
    "taxonaut index build --method agents",
    asks_models=True,
)
def build_tree(
    session: Session,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="kmeans: split by embeddings; agents: let models name categories and sort labels into them.",
        ),
    ] = "kmeans",
    k: Annotated[
        int | None, typer.Option(help="Give each node at most N branches. Default: 16.", show_default=False)
    ] = None,
    terminal_size: Annotated[
        int | None,
        typer.Option(
            help="Put at most N labels into a terminal node. Default: 64; with agents, as in [build].",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed. Default: 0.", show_default=False)] = None,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate",
            help="With agents: print how many requests and tokens the build will take, and build nothing.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Build a tree over the labels.

    A tree that was imported with the labels is replaced; index undo restores it. With --method agents, the
    architect and the annotator of taxonaut.toml build the tree, with the settings of its [build] table. Run an
    interrupted build again to continue it, and one with failed requests (exit code 6) to ask for these again.
    """
    given = {"centres" if method == "agents" else "k": k, "terminal_size": terminal_size, "seed": seed}
    settings = {name: value for name, value in given.items() if value is not None}
    with progress(session, json=json) as bar, session.open() as workspace:
        if estimate:
            found = estimate_build(workspace, method, settings, bar)
        else:
            made = build_and_count(workspace, method, settings, bar)
    if estimate:
        print_estimate(session, found, json)
    else:
        print_build(session, made, json)
        if made.report is not None:
            fail_if_some_failed(failures=describe_failures(made.report.failed.values(), "split"))


class Built(NamedTuple):
    """The new index; with agents, what they refused and what they cost."""

    stats: IndexStats
    report: BuildReport | None
    totals: Totals | None


def build_and_count(workspace: Workspace, method: str, settings: Mapping[str, Any], bar: Bar) -> Built:
    """Build, and make the tree the index."""
    bar.stage("embedding labels")
    workspace.embed_labels()
    bar.stage(f"splitting by {method}")
    try:
        workspace.build_index(method, **settings)
    except KeyboardInterrupt:
        if method == "agents":
            raise InterruptedWork("what is split is kept; run the same command again to continue") from None
        raise
    report = workspace.last_build
    totals = workspace.decisions.totals(workspace.runs.list("build")[0].id) if report is not None else None
    return Built(workspace.index.stats(), report, totals)


def estimate_build(workspace: Workspace, method: str, settings: Mapping[str, Any], bar: Bar) -> BuildEstimate:
    """Work out what a build by agents will take."""
    if method != "agents":
        raise InputError(
            f"--estimate is for a build by agents, and the method is {method!r}, which asks no model; "
            "write: taxonaut index build --method agents --estimate"
        )
    bar.stage("embedding labels")
    workspace.embed_labels()
    return PORTAL.run(build.build_estimate.aestimate_build(workspace, **settings))


def print_build(session: Session, built: Built, json: bool) -> None:
    """Say what was built."""
    stats, report, totals = built
    if json:
        print_json(
            {
                "index": asdict(stats),
                "build": None if report is None else asdict(report),
                "cost": None if totals is None else asdict(totals),
            }
        )
        return
    if session.quiet:
        return
    say(
        f"built a tree over {stats.labels:,} labels: {stats.nodes:,} nodes, {stats.terminals:,} of them "
        f"terminal with {stats.labels_per_terminal:.1f} labels each, {stats.depth} levels; "
        f"next: {session.again('classify FILE')}"
    )
    if report is not None and totals is not None:
        for line in describe_build(report, totals):
            say(line)


def describe_build(report: BuildReport, totals: Totals) -> list[str]:
    """Say what the agents refused and what they cost."""
    if not report.splits:
        return ["so few labels need no categories: nothing was asked"]
    asked = counted(totals.requests, "request") if totals.requests else ""
    if totals.comparisons or not asked:
        asked += f"{' and ' if asked else ''}{counted(totals.comparisons, 'comparison')}"
    tokens = f", {totals.prompt_tokens:,} tokens read and {totals.completion_tokens:,} written"
    lines = [
        f"{counted(report.splits, 'split')} in {asked}"
        + (tokens if totals.prompt_tokens else "")
        + f"; {len(report.refused):,} of them were tried again, {len(report.fallbacks):,} made by vectors instead"
    ]
    for key, reasons in list(report.refused.items())[:SHOWN]:
        lines.append(f"  part {key or 'of all labels'}: {'; '.join(reasons)}")
    if len(report.refused) > SHOWN:
        lines.append(f"  and {len(report.refused) - SHOWN:,} more (--json has them all)")
    return lines


def print_estimate(session: Session, estimate: BuildEstimate, json: bool) -> None:
    """Say what a build will take."""
    if json:
        totals = {
            name: getattr(estimate, name)
            for name in ("requests", "comparisons", "prompt_tokens", "completion_tokens")
        }
        print_json({**asdict(estimate), **totals})
        return
    console = out()
    console.print(styled(f"a build by agents over {estimate.labels:,} labels would take about", "dim"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("role", "model"):
        table.add_column(name)
    for name in ("requests", "comparisons", "tokens read", "tokens written"):
        table.add_column(name, justify="right")
    for role in estimate.roles:
        counts = (role.requests, role.comparisons, role.prompt_tokens, role.completion_tokens)
        table.add_row(
            *map(styled, (role.role, role.model, *(f"{each:,}" if each else "–" for each in counts)))
        )
    console.print(table)
    console.print(styled("nothing was asked or changed; without --estimate it is built", "dim"))
