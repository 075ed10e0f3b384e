"""Operations on labels as a user names them: found by id, name or path, with what they touch."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import process

from taxonaut import tools
from taxonaut.state.errors import InputError, NotFoundError, ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.diff import IndexDiff
from taxonaut.state.index.index import Index
from taxonaut.state.label_mappings import describe_mapping
from taxonaut.state.records import Label
from taxonaut.state.stores.decisions import Decisions
from taxonaut.workspace.build.change_preview import make_change
from taxonaut.workspace.build.tree_preview import find_category
from taxonaut.workspace.core.core import Core

_SHOWN = 5
_NEAR = 3
_ALIKE = 75
"""Least similarity, of 100, of a label that is offered for a text that names none."""
_NEW = re.compile(r"([^=]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What an operation on labels changes.

    `places` counts where the labels stand, `gold` the gold labels of evaluated items that name them, `items` the
    items that were labelled with them. `notes` are for the user.
    """

    diff: IndexDiff
    places: int
    gold: int
    items: int
    notes: tuple[str, ...] = ()


def change_labels(
    workspace: Core,
    labels: Sequence[LabelId],
    change: Callable[[], object],
    note: str,
    *,
    dry_run: bool = False,
) -> LabelChange:
    """Make one change of labels, or try it without keeping it, and return what it did and touches.

    Raises InputError and NotFoundError as the change does.
    """
    index = workspace.index
    places = sum(len(index.placements_of(label)) for label in labels)
    gold = workspace.ledger.count(labels)
    items = Decisions(workspace.database).count_items(labels)
    try:
        diff = make_change(workspace, change, note, dry_run=dry_run)
    except ToolError as error:
        raise InputError(str(error)) from None
    return LabelChange(diff, places, gold, items, tuple(_describe_children(diff)))


def merge_labels(
    workspace: Core, keep: str, away: Sequence[str], *, reason: str = "", dry_run: bool = False
) -> LabelChange:
    """Merge labels into one."""
    index = workspace.index
    kept, *gone = find_labels(index, [keep, *away])
    return change_labels(
        workspace,
        gone,
        lambda: index.merge_labels(kept, gone, reason=reason),
        f"merge {', '.join(gone)} into {kept}",
        dry_run=dry_run,
    )


def move_label(
    workspace: Core, label: str, to: str, *, leaving: str | None = None, dry_run: bool = False
) -> LabelChange:
    """Move a label, with all below it, to another node."""
    index = workspace.index
    found = find_label(index, label)

    def move() -> None:
        from_ = None if leaving is None else find_target(index, leaving)
        index.move_label(found, find_target(index, to), from_)

    return change_labels(workspace, [found], move, f"move {found} to {to}", dry_run=dry_run)


def split_label(
    workspace: Core, label: str, parts: Sequence[str], *, reason: str = "", dry_run: bool = False
) -> LabelChange:
    """Split a label into several."""
    index = workspace.index
    found, into = find_label(index, label), parse_parts(index, parts)
    return change_labels(
        workspace,
        [found],
        lambda: index.split_label(found, into, reason=reason),
        f"split {found} into {', '.join(part.id for part in into)}",
        dry_run=dry_run,
    )


def retire_labels(
    workspace: Core,
    labels: Sequence[str],
    *,
    replaced_by: Sequence[str] = (),
    reason: str = "",
    dry_run: bool = False,
) -> LabelChange:
    """Retire labels, each replaced by the same others."""
    index = workspace.index
    gone, heirs = find_labels(index, labels), find_labels(index, replaced_by)
    replaced = dict.fromkeys(gone, heirs) if heirs else {}
    return change_labels(
        workspace,
        gone,
        lambda: index.retire_labels(gone, replaced_by=replaced, reason=reason),
        f"retire {', '.join(gone)}",
        dry_run=dry_run,
    )


def restore_labels(workspace: Core, labels: Sequence[str], *, dry_run: bool = False) -> LabelChange:
    """Bring retired labels back."""
    index = workspace.index
    back = [find_label(index, given, retired=True) for given in labels]
    merged = [mapping for label in back if (mapping := index.mapping_of(label)) and mapping.kind == "merged"]
    done = change_labels(
        workspace, back, lambda: index.restore_labels(back), f"restore {', '.join(back)}", dry_run=dry_run
    )
    stays = tuple(
        f"{mapping.new[0]!r} also stays in the places that it got from {mapping.old!r}"
        for mapping in merged
        if mapping.former
    )
    return replace(done, notes=(*done.notes, *stays))


def rename_label(
    workspace: Core,
    label: str,
    name: str | None = None,
    *,
    new_id: str | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> LabelChange:
    """Give a label another name, another id, or both."""
    if name is None and new_id is None:
        raise InputError("nothing to change: give a new NAME, a new id, or both")
    index = workspace.index
    found = find_label(index, label)

    def rename() -> None:
        if name is not None:
            tools.rename_label(index, found, name)
        if new_id is not None:
            index.reid_labels({found: LabelId(new_id)}, reason=reason)

    said = " ".join(each for each in (name, new_id and f"(id {new_id})") if each)
    return change_labels(workspace, [found], rename, f"rename {found} to {said}", dry_run=dry_run)


def _describe_children(diff: IndexDiff) -> list[str]:
    """Say where what was below a removed category went."""
    return [
        f"what was in {' > '.join(gone.node.path)!r} is now in "
        + ", ".join(repr(" > ".join(heir.path)) if heir.path else "the top" for heir in gone.heirs)
        for gone in diff.removed
        if gone.heirs
    ] + [
        f"what was in {' > '.join(merge.node.path)!r} is now in {' > '.join(merge.into.path) or 'the top'!r}"
        for merge in diff.merged
    ]


def find_label(index: Index, given: str, *, retired: bool = False) -> LabelId:
    """Find a label by its id, a former id, its name or its path; a retired one only with `retired`.

    Raises NotFoundError for none, InputError for several of one name and for a retired label.
    """
    text = given.strip()
    label = LabelId(text)
    if index.has_label(label):
        return label
    if index.is_retired(label):
        if retired:
            return label
        mapping = index.mapping_of(label)
        said = describe_mapping(mapping) if mapping is not None else "is retired"
        raise InputError(f"label {text!r} {said}; restore it first: taxonaut labels restore {text}")
    named = index.labels_named([text], retired=retired)
    if len(named) > 1:
        shown = ", ".join(repr(each.id) for each in named[:_SHOWN])
        raise InputError(f"{len(named)} labels are called {text!r}: {shown}; give the id of the one you mean")
    if named:
        return named[0].id
    found = index.resolve(label)
    if found.kind == "mapped" and found.steps[0].kind == "renamed":
        return found.labels[0]
    if ">" in text:
        place = find_category(index, text)
        own = place if isinstance(place, str) else index.node(place).label_id
        if own is None:
            raise InputError(f"{text!r} is a node of the tree and no label; change it with taxonaut index …")
        return LabelId(own)
    gone = index.labels_named([text], retired=True)
    if gone:
        raise InputError(f"{text!r} is the name of {gone[0].id!r}, which is retired; name it by its id")
    near = index.search(text, _NEAR) or _nearest(index, text)
    hint = f"; did you mean {' or '.join(f'{each.id!r} ({each.name})' for each in near)}?" if near else ""
    raise NotFoundError(
        f"no label {text!r} in the index{hint or '; `taxonaut labels list` lists the labels'}"
    )


def find_labels(index: Index, given: Sequence[str]) -> list[LabelId]:
    """Find several labels, each as `find_label` does."""
    return [find_label(index, each) for each in given]


def _nearest(index: Index, text: str) -> list[Label]:
    """Return the labels whose ids or names are spelled most alike."""
    labels = index.all_labels()
    texts = [each.casefold() for label in labels for each in (label.id, label.name)]
    hits = process.extract(text.casefold(), texts, limit=_NEAR, score_cutoff=_ALIKE)
    return list({labels[place // 2].id: labels[place // 2] for _, _, place in hits}.values())


def parse_parts(index: Index, given: Sequence[str]) -> list[Label]:
    """Read what a label is split into: ids or names of labels, `ID=NAME` or the name of a new one.

    Ids of new labels are made of their names where none is given.
    """
    parts: list[Label] = []
    for text in given:
        clean = " ".join(text.split())
        if index.has_label(LabelId(clean)):
            parts.append(index.label(LabelId(clean)))
            continue
        named = index.labels_named([clean])
        if len(named) == 1:
            parts.append(named[0])
            continue
        found = _NEW.fullmatch(clean)
        if found is not None:
            parts.append(Label(LabelId(found[1].strip()), found[2].strip(), batch="split"))
        elif clean:
            taken = {part.id for part in parts}
            parts.append(Label(make_label_id(index, clean, taken), clean, batch="split"))
        else:
            raise InputError(f"a part was given as {text!r}; give a name, ID=NAME, or the id of a label")
    return parts


def make_label_id(index: Index, name: str, taken: set[LabelId] | None = None) -> LabelId:
    """Make an unused label id from a name: `bone-conduction-headphones`, then with -2, -3, …"""
    plain = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(each for each in plain if not unicodedata.combining(each)))
    base = "-".join(words) or "category"
    found, number = LabelId(base), 2
    while index.knows_id(found) or found in (taken or ()):
        found, number = LabelId(f"{base}-{number}"), number + 1
    return found


def find_target(index: Index, given: str) -> NodeId:
    """Find the node that a label moves to: a node by number or path, or the node of a label.

    A label without anything below it gets a node of its own.
    """
    text = given.strip()
    if index.has_label(LabelId(text)) and not text.isdigit():
        return own_node(index, LabelId(text))
    place = find_category(index, text)
    return place if isinstance(place, int) else own_node(index, place)


def own_node(index: Index, label: LabelId) -> NodeId:
    """Return the node that a label is; make one where it stands if it has none."""
    places = index.placements_of(label)
    own = [node for node in places if index.node(node).label_id == label]
    if own:
        return own[0]
    found = index.label(label)
    parents = places or [index.root()]
    node = index.create_node(parents[0], found.name, found.description, label_id=label)
    index.place(label, [node])
    for parent in parents[1:]:
        index.add_edge(parent, node)
    for place in places:
        index.unplace(label, place)
    return node
