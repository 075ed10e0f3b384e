"""`taxonaut prompts learn`: evolve blocks of templates on labelled items, and judge them on held-out ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from taxonaut import evaluation
from taxonaut.cli.prompts.diff import BlockDiff, print_diff
from taxonaut.cli.prompts.try_version import table
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileArgument, LabelledFileOptions, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.spending_options import MONEY_PANEL, PriceInOption, PriceOutOption, read_prices
from taxonaut.cli.shared.terminal import counted, is_interactive, out, print_json, printable, styled

if TYPE_CHECKING:
    from taxonaut.evaluation.trials.evolution import BlockChange, Evolution, EvolutionSettings
    from taxonaut.workspace.workspace import Workspace

Adopt = Literal["ask", "auto", "never"]

WORDS = {
    "better": ("better on held-out items", "green"),
    "not worse": ("not worse on held-out items; whether it is better is not shown", "yellow"),
    "open": ("open: too few held-out items to say whether it is better or worse", "yellow"),
    "worse": ("worse on held-out items", "red"),
    "not judged": ("not judged", "yellow"),
    "no proposal": ("nothing better was found", "yellow"),
}
"""Each verdict in words, with its style."""

REFUSALS = 3
"""Refused proposals whose reason is printed."""

EXAMPLES = """\
taxonaut prompts learn train.jsonl
taxonaut prompts learn train.jsonl --role navigator --requests 400 --budget 2.00
taxonaut prompts learn train.csv --by general_expert --adopt auto"""


@command("learn", example=EXAMPLES)
def learn(
    session: Session,
    items: LabelledFileArgument,
    role: Annotated[
        Literal["navigator", "general_expert"] | None,
        typer.Option(
            help="Whose template evolves. Default: both, where a language model answers.", show_default=False
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(
            "--block",
            metavar="BLOCK",
            help="A block that evolves: system or context. Repeatable. Default: system.",
            show_default=False,
        ),
    ] = None,
    requests: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Most requests in all, over all calls and with the judgement."),
    ] = 200,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MONEY",
            help="Most money in all, by the price list of LiteLLM or by --price-in and --price-out.",
            show_default=False,
            rich_help_panel=MONEY_PANEL,
        ),
    ] = None,
    holdout: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the items that judge, and that no block evolves on."),
    ] = 0.5,
    adopt: Annotated[
        Adopt, typer.Option(help="Take the proposal over, if it is not worse: ask first, at once, or never.")
    ] = "ask",
    by: Annotated[
        str, typer.Option(metavar="ROLE", help="The role whose model rewrites the blocks.")
    ] = "architect",
    margin: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="POINTS",
            help="A fall of so many points of 100 still counts as not worse.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = 2.0,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the evolution.", rich_help_panel=ADVANCED_PANEL)
    ] = 0,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Rewrite prompt blocks after what they got wrong, and keep what is not worse on held-out items.

    A language model reads which labels were lost at which node or left out, and rewrites the block; variants compete
    on the items that were not held out. The best one is compared with the present version on the others, as prompts
    try does. Nothing is adopted unless the interval says that it is not worse. Stopped, or out of budget, the same
    command continues and asks for nothing twice.

    Needs gepa: pip install 'taxonaut[evolve]'.
    """
    evolution_module = evaluation.trials.evolution
    settings = evolution_module.EvolutionSettings(
        role=role,
        blocks=tuple(block or evolution_module.BLOCKS),
        requests=requests,
        money=budget,
        prices=read_prices(price_in, price_out),
        holdout=holdout,
        by=by,
        margin=margin / 100,
        seed=seed,
    )
    rows = layout.read(items)
    with session.open() as workspace:
        with progress(session, json=json) as bar:
            given = match_gold(session, workspace.index, rows)
            bar.stage("preparing")
            try:
                found = evolution_module.learn_prompts(workspace, given, settings)
            except KeyboardInterrupt:
                raise InterruptedWork(
                    "what is finished is kept; run the same command again to continue"
                ) from None
        if not json:
            print_evolution(out(), session, found, settings)
        adopted = take_over(session, workspace, found, adopt, json=json)
    if json:
        print_json({**evolution_module.evolution_row(found), "adopted": adopted})


def take_over(session: Session, workspace: Workspace, found: Evolution, adopt: Adopt, *, json: bool) -> bool:
    """Adopt a proposal that is not worse, if that is wanted; say how to do so, or to undo it."""
    if not found.versions:
        return False
    wanted = found.adoptable and (adopt == "auto" or (adopt == "ask" and session.yes))
    asks = found.adoptable and adopt == "ask" and not (wanted or json or session.quiet)
    if asks and is_interactive():
        wanted = typer.confirm("Adopt it?", default=found.verdict == "better", err=True)
    if not wanted:
        if not (json or session.quiet):
            for each in found.versions:
                say(f"not adopted; to use it all the same: {session.again(f'prompts restore {each.hash}')}")
        return False
    evaluation.trials.evolution.adopt_prompts(workspace, found)
    if not (json or session.quiet):
        for each in found.versions:
            undo = session.again(f"prompts restore {found.former[each.name]}")
            out().print(styled(f"adopted {each.name} {each.hash}; to undo: {undo}", "green"))
    return True


def print_evolution(
    console: Console, session: Session, found: Evolution, settings: EvolutionSettings
) -> None:
    """Print the proposal as a diff, how it was judged, and what was spent."""
    for change in found.changes:
        print_diff(change_diff(change))
    for report in found.trials[:1]:
        console.print()
        console.print(table(report))
        if report.first is not None:
            console.print(styled(f"first label: {report.first.words}"))
    if found.changes:
        console.print()
    words, style = WORDS[found.verdict]
    console.print(styled(words, f"bold {style}"), soft_wrap=True)
    if session.quiet:
        return
    for line in describe_evolution(found, settings):
        console.print(styled(line, "dim"), soft_wrap=True)


def change_diff(change: BlockChange) -> BlockDiff:
    """Return what changes in a block."""
    lines = difflib.unified_diff(
        change.before.splitlines(),
        change.after.splitlines(),
        f"{change.template} {change.block}, in use",
        f"{change.template} {change.block}, proposed",
        lineterm="",
    )
    return BlockDiff(change.template, change.block, tuple(map(printable, lines)))


def describe_evolution(found: Evolution, settings: EvolutionSettings) -> Iterator[str]:
    """Say on what it evolved and was judged, why it ended, what was refused and what was spent."""
    if found.scores:
        first = f"{100 * found.scores[0]:.1f}"
        best = f", the best {100 * found.best:.1f}" if len(found.scores) > 1 else ""
        yield (
            f"evolved on {counted(found.evolved_on, 'item')}: {counted(len(found.scores) - 1, 'candidate')} tried "
            f"on all of them; the present blocks score {first}{best} (NDCG@10)"
        )
    if found.judged:
        yield f"judged on {found.judged:,} of {counted(found.held_out, 'held-out item')}, seen by no candidate"
    if found.looks > 1:
        yield f"these items have judged {found.looks} proposals: the more there are, the likelier one is by luck"
    if found.needed:
        yield (
            f"too little of the budget was left to judge it; give --requests {found.needed:,} or more, and the same "
            "command goes on"
        )
    refused = [proposal for proposal in found.proposals if proposal.refused]
    if found.proposals:
        yield f"{counted(len(found.proposals), 'proposal')}, {len(refused)} refused"
    for proposal in refused[:REFUSALS]:
        yield f"  {proposal.block}: {printable(proposal.refused)}"
    yield f"ended because {found.ended}" if found.ended else "ended"
    money = ""
    if settings.money is not None:
        money = f", {found.spent.money:.4f} of {settings.money:.2f} in money"
    elif found.priced and found.spent.money:
        money = f", {found.spent.money:.4f} in money"
    yield (
        f"spent {found.spent.requests:,} of {counted(settings.requests, 'request')}, "
        f"{found.spent.prompt_tokens:,} tokens read and {found.spent.completion_tokens:,} written{money}"
    )
