"""`taxonaut vocabulary export`: items with their descriptors as files of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from taxonaut.workspace.semantic_ids import SemanticIds

app = typer.Typer()


@command(
    app,
    "export",
    example="taxonaut vocabulary export ids.json --format semantic-ids\n"
    "taxonaut vocabulary export items.parquet --further 0\n"
    "taxonaut vocabulary export shop.item\n"
    "taxonaut vocabulary export keywords.json --format free-form",
)
def export(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=".json, .jsonl, .csv (.gz after these if wanted), .parquet or .item; - is standard output.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="semantic-ids, parquet, recbole, plain or free-form; else by the suffix, but for .json.",
            show_default=False,
        ),
    ] = None,
    further: Annotated[
        int, typer.Option(min=0, help="Slots for descriptors that fit as well, behind the path's.")
    ] = 2,
    resolver: Annotated[
        bool,
        typer.Option(
            "--resolver/--no-resolver", help="A last slot that tells items apart which share all others."
        ),
    ] = True,
    keywords: Annotated[int, typer.Option(min=1, max=50, help="free-form: keywords of an item.")] = 3,
    json: JsonOption = False,
) -> None:
    """Write what items got: their descriptors, coarse to fine, in fixed slots.

    semantic-ids is JSON as TIGER-style code reads it, with a second file beside it that says what the tokens
    mean. plain has names only. free-form asks the annotator's model for keywords without the vocabulary, for
    comparison. The tree itself is written by index export.
    """
    from taxonaut.cli.reporting import say
    from taxonaut.cli.terminal import print_json
    from taxonaut.workspace.vocabulary import read_vocabulary
    from taxonaut.workspace.vocabulary_export import export_format, export_vocabulary

    check_output(file, json=json)
    if export_format(Path(file), format) == "free-form":
        from taxonaut.cli.free_form_view import export_free_form

        export_free_form(session, file, keywords, json=json)
        return
    with session.open() as workspace:
        made = export_vocabulary(read_vocabulary(workspace), file, format, further=further, resolver=resolver)
    summary = {"files": list(made.files), **id_counts(made.ids), "notes": list(made.notes)}
    if json:
        print_json(summary)
    elif not session.quiet:
        for line in (*written(made.files, len(made.ids.ids)), *id_lines(made.ids), *made.notes):
            say(line)


def check_output(file: str, *, json: bool) -> None:
    """Refuse to mix what is exported with what is told about it."""
    from taxonaut.state.errors import InputError

    if file == "-" and json:
        raise InputError("--json prints the summary, and '-' the export, to standard output; name a file")


def written(files: tuple[str, ...], items: int) -> list[str]:
    """Say what was written where."""
    from taxonaut.cli.terminal import counted

    first, *beside = ["standard output" if file == "-" else file for file in files]
    return [
        f"wrote {counted(items, 'item')} to {first}",
        *(f"wrote what tokens mean to {file}" for file in beside),
    ]


def id_counts(ids: "SemanticIds") -> dict[str, Any]:
    """Return slots and collisions as JSON has them."""
    items = len(ids.ids)
    return {
        "items": items,
        "slots": [
            {"name": slot.name, "kind": slot.kind, "size": slot.size, "used": used}
            for slot, used in zip(ids.slots, ids.used, strict=True)
        ],
        "base_tokens": ids.base_tokens,
        "resolvers": ids.largest_group,
        "beyond_first": ids.beyond_first,
        "beyond_first_share": ids.beyond_first / items if items else 0.0,
        "largest_group": ids.largest_group,
    }


def id_lines(ids: "SemanticIds") -> list[str]:
    """Say what slots there are, how many tokens they take, and how many items collide."""
    from taxonaut.cli.terminal import counted

    slots = ", ".join(
        f"{slot.name} {used:,}" + (f" of {slot.size:,}" if slot.kind != "resolver" else "")
        for slot, used in zip(ids.slots, ids.used, strict=True)
    )
    items = len(ids.ids)
    shared = f"{ids.beyond_first / items if items else 0:.1%}"
    verbs = ("needs", "need") if ids.resolves else ("has", "have")
    what = "a resolver beyond the first" if ids.resolves else "the id of an item before"
    verb = verbs[ids.beyond_first != 1]
    return [
        f"{counted(len(ids.slots), 'slot')}, tokens in each: {slots or 'none'}",
        f"{ids.base_tokens:,} base tokens + {counted(ids.largest_group if ids.resolves else 0, 'resolver')}",
        f"{counted(ids.beyond_first, 'item')} ({shared}) {verb} {what}; at most {ids.largest_group:,} share all "
        "descriptors",
    ]
