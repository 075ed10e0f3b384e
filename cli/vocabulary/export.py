"""`taxonaut vocabulary export`: items with their descriptors as files of other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import taxonaut
from taxonaut.cli.shared.exit_codes import SOME_FAILED, InterruptedWork, say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.workspace import vocabulary as vocabularies
from taxonaut.workspace.files.output_files import check_output

if TYPE_CHECKING:
    from taxonaut.workspace.vocabulary.keyword_baseline import FreeForm, WordCounts
    from taxonaut.workspace.vocabulary.near_descriptors import Nearest
    from taxonaut.workspace.vocabulary.reading import Vocabulary
    from taxonaut.workspace.vocabulary.semantic_ids import SemanticIds
    from taxonaut.workspace.workspace import Workspace


PAD_ONLY = "pad"


def export_free_form(session: Session, file: str, keywords: int, *, json: bool) -> None:
    """Write keywords of all tagged items, and compare them with the vocabulary."""

    check_output(Path(file))
    with session.open() as workspace:
        vocabulary = taxonaut.read_vocabulary(workspace)
        vocabularies.export.check_tagged(vocabulary)
        found = run_keyword_baseline(session, workspace, vocabulary, keywords, json=json)
    vocabularies.keyword_baseline.write_free_form(found, file)
    compared = {
        "free-form": vocabularies.keyword_baseline.count_keywords(found.keywords),
        "vocabulary": vocabularies.keyword_baseline.count_descriptors(vocabulary),
    }
    if json:
        rows = {name: asdict(counts) for name, counts in compared.items()}
        print_json({"files": [file], "source": found.source, "failed": dict(found.failed), **rows})
    elif not session.quiet:
        where = "standard output" if file == "-" else file
        say(f"wrote keywords of {counted(len(found.keywords), 'item')} by {found.source} to {where}")
        for name, counts in compared.items():
            say(describe_words(name, counts))
    if found.failed:
        say(
            f"{counted(len(found.failed), 'item')} got no keywords: {next(iter(found.failed.values()))}; the same "
            "command asks for these again"
        )
        raise typer.Exit(SOME_FAILED)


def run_keyword_baseline(
    session: Session, workspace: Workspace, vocabulary: Vocabulary, keywords: int, *, json: bool
) -> FreeForm:
    """Ask for keywords while a bar shows how far it is."""
    items = [tagging.item_id for tagging in vocabulary.taggings]
    with progress(session, json=json) as bar:
        bar.stage("writing keywords", len(items))
        try:
            return PORTAL.run(vocabularies.keyword_baseline.afree_form(workspace, items, keywords))
        except KeyboardInterrupt:
            raise InterruptedWork("what is written is kept; run the same command again to continue") from None


def describe_words(name: str, counts: WordCounts) -> str:
    """Describe a set of words in a line."""
    return (
        f"{name:<10}  {counts.unique:,} different, {counts.utilization:.1%} of them on more than one item, "
        f"{counts.per_item:.2f} an item"
    )


FurtherOption = Annotated[
    int, typer.Option(min=0, help="Slots for other descriptors that fit, after those of the path.")
]
ResolverOption = Annotated[
    bool,
    typer.Option(
        "--resolver/--no-resolver", help="Add a last slot that distinguishes items with otherwise equal ids."
    ),
]
UncoveredOption = Annotated[
    str,
    typer.Option(
        "--uncovered",
        metavar="nearest|pad",
        help="Tokens where no descriptor fits: the nearest descriptors under tokens of their own, or <pad>.",
    ),
]


def find_nearest(workspace: Workspace, vocabulary: Vocabulary, uncovered: str) -> Nearest | None:
    """Return the descriptors for what none fits, None for pads. Raises InputError for an unknown choice."""
    check_uncovered(uncovered)
    return (
        None
        if uncovered == PAD_ONLY
        else vocabularies.near_descriptors.nearest_descriptors(workspace, vocabulary)
    )


def check_uncovered(uncovered: str) -> None:
    """Raise InputError for an unknown `--uncovered`."""
    if uncovered not in ("nearest", PAD_ONLY):
        raise InputError(f"--uncovered {uncovered!r} is unknown; it can be nearest or {PAD_ONLY}")


@command(
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
            help="File to write (.json, .jsonl, .csv, each also as .gz, .parquet, .item), or - "
            "for standard output.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="semantic-ids, parquet, recbole, plain or free-form. Default: by the suffix; "
            "needed for .json.",
            show_default=False,
        ),
    ] = None,
    further: FurtherOption = 2,
    resolver: ResolverOption = True,
    uncovered: UncoveredOption = "nearest",
    keywords: Annotated[
        int, typer.Option(min=1, max=50, help="free-form: write N keywords for each item.")
    ] = 3,
    json: JsonOption = False,
) -> None:
    """Export items with their descriptors.

    semantic-ids is JSON for TIGER-style code, with a second file that explains the tokens. plain has names only.
    free-form asks the annotator's model for keywords without the vocabulary, for comparison. Use index export to
    export the tree.
    """
    check_streams(file, json=json)
    if vocabularies.export.export_format(Path(file), format) == "free-form":
        export_free_form(session, file, keywords, json=json)
        return
    chosen = vocabularies.export.export_format(Path(file), format)
    check_uncovered(uncovered)
    check_output(Path(file))
    with session.open() as workspace:
        vocabulary = taxonaut.read_vocabulary(workspace)
        vocabularies.export.check_tagged(vocabulary)
        nearest = None
        if chosen in vocabularies.export.WITH_TOKENS:
            nearest = find_nearest(workspace, vocabulary, uncovered)
        made = vocabularies.export.export_vocabulary(
            vocabulary, file, format, further=further, resolver=resolver, nearest=nearest
        )
    summary = {"files": list(made.files), **id_counts(made.ids), "notes": list(made.notes)}
    if json:
        print_json(summary)
    elif not session.quiet:
        for line in (*describe_written(made.files, len(made.ids.ids)), *id_lines(made.ids), *made.notes):
            say(line)


def check_streams(file: str, *, json: bool) -> None:
    """Refuse to write the export and its summary to one stream."""
    if file == "-" and json:
        raise InputError("--json prints the summary, and '-' the export, to standard output; name a file")


def describe_written(files: tuple[str, ...], items: int) -> list[str]:
    """Say what was written where."""
    first, *beside = ["standard output" if file == "-" else file for file in files]
    return [
        f"wrote {counted(items, 'item')} to {first}",
        *(f"wrote what tokens mean to {file}" for file in beside),
    ]


def id_counts(ids: SemanticIds) -> dict[str, Any]:
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
        "with_nearest": ids.with_nearest,
    }


def id_lines(ids: SemanticIds) -> list[str]:
    """Say what slots there are, how many tokens they take, and how many items collide."""
    slots = ", ".join(
        f"{slot.name} {used:,}" + (f" of {slot.size:,}" if slot.kind != "resolver" else "")
        for slot, used in zip(ids.slots, ids.used, strict=True)
    )
    items = len(ids.ids)
    shared = f"{ids.beyond_first / items if items else 0:.1%}"
    verbs = ("needs", "need") if ids.resolves else ("has", "have")
    what = "a resolver beyond the first" if ids.resolves else "the id of an item before"
    verb = verbs[ids.beyond_first != 1]
    marked = []
    if ids.with_nearest:
        verb_near = ("have", "has")[ids.with_nearest == 1]
        marked = [
            f"{counted(ids.with_nearest, 'item')} {verb_near} levels where no descriptor fits: the nearest stand "
            "there, under tokens of their own"
        ]
    return [
        *marked,
        f"{counted(len(ids.slots), 'slot')}, tokens in each: {slots or 'none'}",
        f"{ids.base_tokens:,} base tokens + {counted(ids.largest_group if ids.resolves else 0, 'resolver')}",
        f"{counted(ids.beyond_first, 'item')} ({shared}) {verb} {what}; at most {ids.largest_group:,} share all "
        "descriptors",
    ]
