"""Keywords without a vocabulary at the command line: progress, the file, their statistics beside ours."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from taxonaut.cli.reporting import SOME_FAILED, InterruptedWork, say

if TYPE_CHECKING:
    from taxonaut.cli.session import Session
    from taxonaut.workspace.free_form import FreeForm, WordCounts
    from taxonaut.workspace.vocabulary import Vocabulary
    from taxonaut.workspace.workspace import Workspace


def export_free_form(session: "Session", file: str, keywords: int, *, json: bool) -> None:
    """Write keywords of all tagged items, and show what set they make beside the vocabulary."""
    import typer

    from taxonaut.cli.terminal import counted, print_json
    from taxonaut.workspace.free_form import descriptor_counts, keyword_counts, write_free_form
    from taxonaut.workspace.index_file import check_place
    from taxonaut.workspace.vocabulary import read_vocabulary
    from taxonaut.workspace.vocabulary_export import check_tagged

    check_place(Path(file))
    with session.open() as workspace:
        vocabulary = read_vocabulary(workspace)
        check_tagged(vocabulary)
        found = written(session, workspace, vocabulary, keywords, json=json)
    write_free_form(found, file)
    compared = {"free-form": keyword_counts(found.keywords), "vocabulary": descriptor_counts(vocabulary)}
    if json:
        rows = {name: asdict(counts) for name, counts in compared.items()}
        print_json({"files": [file], "source": found.source, "failed": dict(found.failed), **rows})
    elif not session.quiet:
        where = "standard output" if file == "-" else file
        say(f"wrote keywords of {counted(len(found.keywords), 'item')} by {found.source} to {where}")
        for name, counts in compared.items():
            say(line(name, counts))
    if found.failed:
        say(
            f"{counted(len(found.failed), 'item')} got no keywords: {next(iter(found.failed.values()))}; the same "
            "command asks for these again"
        )
        raise typer.Exit(SOME_FAILED)


def written(
    session: "Session", workspace: "Workspace", vocabulary: "Vocabulary", keywords: int, *, json: bool
) -> "FreeForm":
    """Ask for keywords while a bar shows how far it is."""
    from taxonaut.cli.progress import progress
    from taxonaut.graphs.portal import PORTAL
    from taxonaut.workspace.free_form import afree_form

    items = [tagging.item_id for tagging in vocabulary.taggings]
    with progress(session, json=json) as bar:
        bar.stage("writing keywords", len(items))
        try:
            return PORTAL.run(afree_form(workspace, items, keywords, bar.at))
        except KeyboardInterrupt:
            raise InterruptedWork("what is written is kept; run the same command again to continue") from None


def line(name: str, counts: "WordCounts") -> str:
    """Say what a set of words comes to."""
    return (
        f"{name:<10}  {counts.unique:,} different, {counts.utilization:.1%} of them on more than one item, "
        f"{counts.per_item:.2f} an item"
    )
