"""`taxonaut explain`: how a text came to its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.classify.classify import WalkOptions, classification_of
from taxonaut.cli.classify.explanation_view import label_ids, print_explanation, step_row
from taxonaut.cli.classify.outcome_text import outcome_row, outcomes_table
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.item_command import run_items
from taxonaut.cli.shared.item_input import input_of
from taxonaut.cli.shared.progress import Bar, progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json
from taxonaut.state import label_mappings
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import ItemResult, as_item
from taxonaut.workspace import files

if TYPE_CHECKING:
    from taxonaut.state.index.index import Index
    from taxonaut.workspace.walk.explanation import Explanation
    from taxonaut.workspace.workspace import Workspace


@command(
    "explain",
    example="taxonaut explain 17\ntaxonaut explain 17 --gold earbuds,headphones\n"
    'taxonaut explain "wireless earbuds with noise cancelling"',
    asks_models=True,
)
def explain(
    session: Session,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of a labelled item, or a text.")],
    gold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL_ID[,…]",
            help="Labels that the text should have got: show where each was found or lost.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also show branches that led to no ranked label.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show how a text got its labels: branches opened and skipped, and the ranking.

    With an id, the latest walk of that item is shown; a text that was not labelled yet is labelled first. With
    --gold, shows at which node the branch to each of these labels was skipped, and why.
    """
    with session.open() as workspace:
        with progress(session, json=json) as bar:
            named = [label for given in gold or [] for label in parse_label_ids(workspace.index, given)]
            wanted = present_labels(session, workspace.index, named)
            walk = find_or_walk(session, workspace, item, bar, wanted)
        labels = workspace.index.labels(list(dict.fromkeys(label_ids(walk.root))))
        if json:
            print_json(walk_row(walk, {label.id: label.name for label in labels}, workspace.index))
            return
        print_explanation(out(), walk, everything=everything)
        if walk.index_changed and not session.quiet:
            say("the index has changed since this walk: classify the text again to see a walk of this one")
        if walk.outcomes:
            out().print(outcomes_table(workspace.index, walk.outcomes))


def parse_label_ids(index: Index, given: str) -> list[LabelId]:
    """Read `a,b` as two ids, unless it is one itself."""
    if given in set(index.label_ids()):
        return [LabelId(given)]
    return [LabelId(part.strip()) for part in given.split(",") if part.strip()]


def present_labels(session: Session, index: Index, given: Sequence[LabelId]) -> list[LabelId]:
    """Return what label ids stand for today, and say which of them are not answered any more."""
    found: list[LabelId] = []
    for label in given:
        result = index.resolve(label)
        mapping = index.mapping_of(label)
        if mapping is not None and not session.quiet:
            say(f"note: {label!r} {label_mappings.describe_mapping(mapping)}")
        found += result.labels if mapping is not None else [label]
    return found


def find_or_walk(
    session: Session, workspace: Workspace, given: str, bar: Bar, gold: Sequence[LabelId] = ()
) -> Explanation:
    """Return the walk that is kept of an id or a text; label the text if there is none."""
    text = as_item(files.tables.clean_text(given))
    for known in (ItemId(given), text.id):
        try:
            return workspace.explain(known, gold)
        except NotFoundError:
            continue
    if not text.text.strip():
        raise InputError(f"{given!r} is empty; give the id of a labelled text, or a text")
    if not session.quiet:
        say(f"no labelled text has the id {given!r}: labelling these words themselves")
    summary = run_items(
        workspace,
        input_of([text]),
        lambda _: nullcontext(lambda item, result, values: None),
        bar,
        classification_of(WalkOptions()),
        "labelling",
    )
    if summary.tally.failed and not session.quiet:
        say(f"it failed: {summary.tally.first_error}")
    return workspace.explain(text.id, gold)


def walk_row(walk: Explanation, names: Mapping[LabelId, str], index: Index) -> dict[str, Any]:
    """Return a walk as JSON has it; `gold` is there if gold labels were asked about."""
    return {
        "id": walk.item.id,
        "text": walk.item.text,
        "requests": walk.requests,
        "comparisons": walk.comparisons,
        "index_changed": walk.index_changed,
        "candidates": walk.candidates,
        "walk": step_row(walk.root, names),
        **(
            {
                "scores": [
                    {"id": e.label_id, "source": e.source, "score": e.score, "added": e.added, "why": e.why}
                    for e in walk.shares
                ]
            }
            if walk.shares
            else {}
        ),
        "labels": files.result_files.result_row(ItemResult(walk.item.id, walk.ranking))["labels"],
        **({"gold": [outcome_row(index, outcome) for outcome in walk.outcomes]} if walk.outcomes else {}),
    }
