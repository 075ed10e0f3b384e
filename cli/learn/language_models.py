"""`taxonaut learn export` and `taxonaut learn adapter`: what language models learn from labelled items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.workspace import learn

if TYPE_CHECKING:
    from taxonaut import Workspace
    from taxonaut.workspace.learn.adapter_trial import AdapterReport
    from taxonaut.workspace.learn.model_examples import ExampleSet, ExampleSettings


Format = Literal["openai", "trl", "messages", "sharegpt"]
Kinds = Literal["both", "inductive", "deductive"]

KindsOption = Annotated[
    Kinds | None,
    typer.Option(
        "--kinds",
        help="inductive: shortlists; deductive: the model's own reasons. Default: both, inductive for encoders.",
        show_default=False,
    ),
]
OptionsOption = Annotated[
    int, typer.Option("--options", min=2, metavar="N", help="Most options of a question.")
]
SeedOption = Annotated[int, typer.Option(help="What is sampled, and the order of options.")]


@command(
    "export",
    example="taxonaut learn export train.jsonl\n"
    "taxonaut learn export train.jsonl --format trl --kinds inductive\n"
    "taxonaut learn export train.jsonl --format sharegpt",
    asks_models=True,
)
def export(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, JSON lines.", show_default=False)
    ],
    form: Annotated[Format, typer.Option("--format", help="Who reads it (docs/learning.md).")] = "openai",
    kinds: KindsOption = None,
    options: OptionsOption = 10,
    seed: SeedOption = 0,
    *,
    json: JsonOption = False,
) -> None:
    """Write examples for fine-tuning a language model elsewhere.

    They are made of the items whose labels are known (evaluate, feedback add, review): questions that the walk's
    agents ask, with the right answer. The file holds the items' texts.
    """
    with progress(session, json=json), session.open() as workspace:
        settings = example_settings(workspace, kinds, options, seed)
        found = learn.language_model.export_examples(workspace, file, form, settings)
    if json:
        print_json({"file": str(file), "format": form, **found.counts(), "unexplained": found.unexplained})
    if not session.quiet:
        say(f"{described(found)} -> {file}")


@command(
    "adapter",
    example="taxonaut learn adapter learned/lora-1\n"
    "taxonaut learn adapter learned/lora-2 --kinds inductive --epochs 2 --rate 0.001",
)
def adapter(
    session: Session,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, in the workspace.", show_default=False)
    ],
    kinds: KindsOption = None,
    options: OptionsOption = 10,
    rank: Annotated[int, typer.Option(min=1, help="Size of the low-rank matrices.")] = 8,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the examples.")] = 1,
    rate: Annotated[float, typer.Option(min=0, help="Learning rate.")] = 3e-4,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the items, and of the labels, to measure with.")
    ] = 0.2,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The same model, unquantized: a transformers folder.", show_default=False
        ),
    ] = None,
    seed: SeedOption = 0,
    *,
    json: JsonOption = False,
) -> None:
    """Train a LoRA adapter for the gguf/… model of this workspace.

    It learns from the items whose labels are known, and is measured on items and labels that it did not see. Nothing
    uses it until `adapter` under [models.…] in taxonaut.toml names it. Needs pip install 'taxonaut[gguf,train]'.
    """
    with progress(session, json=json), session.open() as workspace:
        target = workspace.folder / folder
        report = learn.adapter_trial.learn_adapter(
            workspace,
            target,
            examples=example_settings(workspace, kinds, options, seed),
            lora=learn.language_model.LoraSettings(rank=rank, epochs=epochs, rate=rate, seed=seed),
            base=base,
            held_out=held_out,
        )
    if json:
        print_json(report_row(report))
        return
    show_report(report)
    if session.quiet:
        return
    if report.passed:
        say(f'to use it, in taxonaut.toml, under [models.…]: adapter = "{folder / report.result.path.name}"')
    else:
        say("do not use it: more held-out answers became worse than chance explains")


def example_settings(workspace: Workspace, kinds: Kinds | None, options: int, seed: int) -> ExampleSettings:
    """Return the settings of examples; without kinds those that the models can make."""
    chosen = learn.language_model.usable_kinds(workspace) if kinds is None else learn.model_examples.KINDS
    if kinds in learn.model_examples.KINDS:
        chosen = (kinds,)
    return learn.model_examples.ExampleSettings(kinds=chosen, options=options, seed=seed)


def described(found: ExampleSet) -> str:
    """Say how many examples there are of each kind."""
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.counts().items() if count)
    missing = f"; {found.unexplained:,} without reasons left out" if found.unexplained else ""
    return f"{counted(len(found.examples), 'example')} ({counts}){missing}"


def report_row(report: AdapterReport) -> dict[str, object]:
    """Return a report as JSON has it."""
    return {
        "adapter": str(report.result.path),
        "examples": dict(report.counts),
        "unexplained": report.unexplained,
        "loss": {"before": report.result.loss_before, "after": report.result.loss_after},
        "seconds": round(report.result.seconds, 1),
        "accuracy": {
            part: {"questions": each.questions, "before": each.before, "after": each.after}
            for part, each in report.accuracy.items()
        },
        "passed": report.passed,
    }


def show_report(report: AdapterReport) -> None:
    """Print what was learned, and how held-out questions are answered."""
    result = report.result
    say(
        f"{counted(result.examples, 'example')}, loss {result.loss_before:.3f} -> {result.loss_after:.3f}, "
        f"{result.seconds:,.0f} s"
    )
    table = Table(box=None, pad_edge=False)
    for name in ("held out", "questions", "right before", "right after"):
        table.add_column(name, justify="left" if name == "held out" else "right")
    for part, each in report.accuracy.items():
        shares = (f"{100 * right / each.questions:.1f} %" for right in (each.before, each.after))
        table.add_row(styled(part), f"{each.questions:,}", *shares)
    out().print(table)
