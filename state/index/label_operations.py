"""Changes to labels: retire, restore, merge, split and move them; other ids and alternative names.

A retired label keeps its row, its name and its number. It has no place in the tree, and a mapping says where its id
went.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from taxonaut.state.db.json_codec import dump, load
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index import bulk_operations, node_operations
from taxonaut.state.index.log import IndexLog
from taxonaut.state.index.operations import Arguments, Editor, OperationResult, edit_node
from taxonaut.state.index.patches import patch, patch_of
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.undo import MAP
from taxonaut.state.label_mappings import RENAMED, LabelMapping, RetiringKind, describe_mapping
from taxonaut.state.records import Event, Label, distinct_names

_FEWEST_PARTS = 2

_OPERATIONS: Mapping[RetiringKind, str] = {
    "retired": "retire_labels",
    "merged": "merge_labels",
    "split": "split_label",
}
"""The operation in the log that retires labels with a mapping of each kind."""

Former = dict[str, Any]
"""Where a label stood: the tree, its places with the names above them, and what undoes its removal."""


class LabelIndex(IndexLog):
    """The part of `Index` that changes labels. Each method is one change, atomic, of one or more events."""

    def set_alternatives(self, names: Mapping[LabelId, Sequence[str]]) -> None:
        """Replace the alternative names of labels, without repeats of their names; unchanged ones are skipped."""
        rows = []
        for label in self.labels(list(names)):
            clean = [" ".join(name.split()) for name in names[label.id]]
            new = distinct_names(filter(None, clean), label.name)
            if new != label.alternatives:
                rows.append([label.id, list(new)])
        if rows:
            self._change("set_alternatives", lambda _: {"alternatives": rows})

    def retire_labels(
        self,
        labels: Sequence[LabelId],
        *,
        replaced_by: Mapping[LabelId, Sequence[LabelId]] | None = None,
        reason: str = "",
        kind: RetiringKind = "retired",
    ) -> None:
        """Retire labels: they leave the tree and are answered no more; a mapping leads to what replaces each.

        What is below a label goes to the node of its only replacement, if that has one elsewhere, else to its
        parents. `kind` is that of the mappings, for labels whose replacements stand where they belong already.
        Raises InputError for a label that is retired, or a replacement that is or would be.
        """
        given = list(dict.fromkeys(labels))
        heirs = {label: tuple(dict.fromkeys(new)) for label, new in (replaced_by or {}).items()}
        with self._at_once():
            self._check_live([*given, *(each for new in heirs.values() for each in new)])
            for label, new in heirs.items():
                if label not in given:
                    raise InputError(
                        f"a replacement is given for {label!r}, which is not among the labels to retire"
                    )
                if wrong := next((each for each in new if each in given), None):
                    raise InputError(f"{label!r} cannot be replaced by {wrong!r}, which is retired with it")
            if not given:
                return
            former = self._take_out(given, heirs)
            rows = [(label, heirs.get(label, ()), former[label]) for label in given]
            self._map(_OPERATIONS[kind], kind, rows, reason)

    def restore_labels(self, labels: Sequence[LabelId]) -> None:
        """Bring retired labels back, with what was below them, to where they stood as far as that is still there.

        A label that was merged takes its names back; the other keeps the places that it got. Raises InputError for a
        label that is not retired.
        """
        given = list(dict.fromkeys(labels))
        with self._at_once():
            book = self._view.labels
            for label in given:
                book.number(label)
                if label not in book.mappings:
                    raise InputError(f"label {label!r} is not retired; nothing to restore")
            if not given:
                return
            rows = [book.mappings[label] for label in given]
            arguments: Arguments = {"remove": given, "ids": [], "add": []}
            self._record("restore_labels", lambda editor: bulk_operations.map_labels(editor, arguments), MAP)
            for mapping in sorted(rows, key=lambda row: (not row.former, _depth(row))):
                if mapping.former:
                    self._put_back(mapping.old, load(mapping.former))

    def merge_labels(self, keep: LabelId, away: Sequence[LabelId], *, reason: str = "") -> None:
        """Merge labels into one, which takes their names as alternative names, their places and what is below them.

        The others are retired, with mappings to it.
        """
        gone = list(dict.fromkeys(away))
        with self._at_once():
            self._check_live([keep, *gone])
            if keep in gone:
                raise InputError(f"label {keep!r} cannot be merged into itself; name another one to keep")
            if not gone:
                return
            former = {label: self._unify(keep, label) for label in gone}
            names = list(self.label(keep).alternatives)
            for label in self.labels(gone):
                known = {name.casefold() for name in (self.label(keep).name, *names)}
                new = [
                    name
                    for name in dict.fromkeys((label.name, *label.alternatives))
                    if name.casefold() not in known
                ]
                former[label.id]["named"] = [keep, new]
                names += new
            self.set_alternatives({keep: names})
            self._map("merge_labels", "merged", [(label, (keep,), former[label]) for label in gone], reason)

    def split_label(self, label: LabelId, new: Sequence[Label], *, reason: str = "") -> None:
        """Split a label into others, which go where it stood; it is retired, with a mapping to all of them.

        One of `new` with the id of a label stands for that label, as it is. What is below the label goes to its
        parents. Raises InputError for fewer than two.
        """
        parts = {each.id: each for each in new}
        with self._at_once():
            self._check_live([label])
            if label in parts:
                raise InputError(f"label {label!r} cannot be one of its own parts; give each part another id")
            if len(parts) < _FEWEST_PARTS:
                raise InputError(
                    f"label {label!r} is split into {len(parts)} labels; name at least two, or retire it with a "
                    "replacement"
                )
            there = [each for each in parts if self._view.labels.is_live(each)]
            added = [each for id_, each in parts.items() if id_ not in there]
            if added:
                self._change("add_labels", lambda editor: bulk_operations.number_labels(editor, added))
            shape, own = self._view.shape, self._own_nodes([label])[label]
            places = [node for node in shape.nodes_of[self._view.labels.number(label)] if node not in own]
            places += [parent for node in own for parent in shape.parents[node]]
            pairs = [(each.id, NodeId(node)) for each in added for node in dict.fromkeys(places)]
            if pairs:
                self._record(
                    "place_many",
                    lambda editor: node_operations.place_many(
                        editor, node_operations.missing_placements(editor, pairs)
                    ),
                )
            former = self._take_out([label], {})[label]
            self._map("split_label", "split", [(label, tuple(parts), former)], reason)

    def reid_labels(self, ids: Mapping[LabelId, LabelId], *, reason: str = "") -> None:
        """Give labels other ids, with mappings from the former ones; equal ids are skipped.

        A label may take back an id that it had. Raises InputError for an id that another label has or had.
        """
        changed = {old: LabelId(new.strip()) for old, new in ids.items() if old != new.strip()}
        with self._at_once():
            self._check_live(list(changed))
            book = self._view.labels
            back = []
            for old, new in changed.items():
                if not new:
                    raise InputError(f"the new id of label {old!r} is empty; give each label an id")
                if list(changed.values()).count(new) > 1:
                    raise InputError(f"the id {new!r} is given to two labels; ids are unique")
                if book.knows(new):
                    if new in book.numbers or book.find(new) != book.number(old):
                        said = (
                            describe_mapping(book.mappings[new]) if new in book.mappings else "is a label's"
                        )
                        raise InputError(f"label {old!r} cannot have the id {new!r}, which {said}")
                    back.append(new)
            if not changed:
                return
            at = _now()
            names = {label.id: label.name for label in self.labels(list(changed))}
            arguments: Arguments = {
                "remove": back,
                "ids": [list(pair) for pair in changed.items()],
                "add": [
                    LabelMapping(old, (new,), RENAMED, at, reason, names[old]).row()
                    for old, new in changed.items()
                ],
            }
            self._record("reid_labels", lambda editor: bulk_operations.map_labels(editor, arguments), MAP)

    def load_mappings(self, mappings: Sequence[LabelMapping]) -> None:
        """Take over mappings as another index has them, with their dates; retired labels must be in no node.

        Raises InputError for a label that is in the tree or not in the index, and for an id that is mapped already.
        """
        given = list(mappings)
        with self._at_once():
            book = self._view.labels
            taken = next((each for each in given if each.old in book.mappings), None)
            if taken is not None:
                raise InputError(f"the id {taken.old!r} {describe_mapping(book.mappings[taken.old])} already")
            live = next((each for each in given if each.kind == RENAMED and each.old in book.numbers), None)
            if live is not None:
                raise InputError(f"{live.old!r} is a label's id; a former id cannot be one")
            if given:
                arguments: Arguments = {"remove": [], "ids": [], "add": [each.row() for each in given]}
                self._record(
                    "load_mappings", lambda editor: bulk_operations.map_labels(editor, arguments), MAP
                )

    def move_label(self, label: LabelId, to: NodeId, from_: NodeId | None = None) -> None:
        """Move a label to another node: its placement, or its own node with all below it.

        `from_` is the node it leaves, required if it is in several. Raises InputError if it is in `to` already.
        """
        with self._at_once():
            self._check_live([label])
            shape, number = self._view.shape, self._view.labels.number(label)
            self._view.check_nodes([to, *([] if from_ is None else [from_])])
            own = self._own_nodes([label])[label]
            ways = [(node, node, False) for node in shape.nodes_of[number] if node not in own]
            ways += [(parent, node, True) for node in own for parent in shape.parents[node]]
            if any(parent == to for parent, _, _ in ways):
                raise InputError(f"label {label!r} is in node {to!r} already; nothing to move")
            leaving = [way for way in ways if from_ in (None, way[0])]
            if not leaving and ways:
                raise InputError(
                    f"label {label!r} is not in node {from_!r}; it is in {[parent for parent, _, _ in ways]}"
                )
            if len(leaving) > 1:
                raise InputError(
                    f"label {label!r} is in {len(leaving)} nodes, {[parent for parent, _, _ in leaving]}; name "
                    "the one it is to leave"
                )
            if not leaving:
                self._record(
                    "place_many", lambda editor: node_operations.place_many(editor, [(int(to), number)])
                )
                return
            parent, node, is_node = leaving[0]
            if is_node:
                self._record("move_node", lambda editor: node_operations.move_node(editor, node, to, parent))
                return

            def move(editor: Editor) -> OperationResult:
                place = (to, number, editor.next_ids("position"))
                done = patch(editor, patch_of(remove_placements=[(parent, number)], add_placements=[place]))
                return OperationResult({"moved": label, "from": parent, "to": to}, done.inverse)

            self._record("move_label", move)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        with self._database.write(), self.change():
            yield

    def _check_live(self, labels: Sequence[LabelId]) -> None:
        book = self._view.labels
        for label in labels:
            book.number(label)
        book.check_live(labels)

    def _own_nodes(self, labels: Sequence[LabelId]) -> dict[LabelId, list[int]]:
        """Return the nodes of the current tree that are the labels themselves."""
        book = self._view.labels
        found: dict[LabelId, list[int]] = {label: [] for label in labels}
        rows = self._database.rows(
            "SELECT id, label FROM nodes WHERE tree = $1 AND label IN (SELECT unnest($2::BIGINT[])) ORDER BY id",
            [self._view.shape.tree, [book.number(label) for label in labels]],
        )
        for node, number in rows:
            if self._view.shape.has(node):
                found[book.ids([number])[0]].append(node)
        return found

    def _map(
        self,
        name: str,
        kind: RetiringKind,
        rows: Iterable[tuple[LabelId, tuple[LabelId, ...], Former]],
        reason: str,
    ) -> Event:
        at = _now()
        given = list(rows)
        names = {label.id: label.name for label in self.labels([label for label, _, _ in given])}
        added = [
            LabelMapping(label, new, kind, at, reason, names[label], dump(former) if former else "")
            for label, new, former in given
        ]
        arguments: Arguments = {"remove": [], "ids": [], "add": [each.row() for each in added]}
        return self._record(name, lambda editor: bulk_operations.map_labels(editor, arguments), MAP)

    def _take_out(
        self, labels: Sequence[LabelId], heirs: Mapping[LabelId, Sequence[LabelId]]
    ) -> dict[LabelId, Former]:
        """Take labels out of the tree and return where they stood; what is below goes to heirs or parents."""
        shape, book = self._view.shape, self._view.labels
        numbers = {label: book.number(label) for label in labels}
        own = self._own_nodes(labels)
        former: dict[LabelId, Former] = {}
        pairs = [(node, number) for number in numbers.values() for node in shape.nodes_of[number]]
        depths = {node: shape.depth(node) for nodes in own.values() for node in nodes}
        for label, number in numbers.items():
            places = [node for node in shape.nodes_of[number] if node not in own[label]]
            former[label] = self._former(places, own[label])
        if pairs:
            event = self._record("take_out_labels", lambda editor: _take_out_labels(editor, pairs))
            for node, number, position in event.inverse["arguments"]["add_placements"]:
                former[book.ids([number])[0]]["positions"].append([node, position])
        targets = self._own_nodes(
            [new[0] for label in labels if own[label] and len(new := heirs.get(label, ())) == 1]
        )
        for node in sorted(depths, key=lambda node: -depths[node]):
            label = next(each for each in labels if node in own[each])
            new = heirs.get(label, ())
            to = targets.get(new[0], [])[:1] if len(new) == 1 else []
            event = self._record("take_out_node", _take_out_node(node, to))
            former[label]["patches"].append(event.inverse["arguments"])
        return former

    def _former(self, places: Sequence[int], own: Sequence[int]) -> Former:
        """Return where a label stands: its places and the parents of its nodes, each as the nodes that lead there."""
        shape = self._view.shape

        def way(node: int) -> list[list[Any]]:
            path = shape.shortest_path(node)
            names = [each.name for each in self._view.nodes.get(path)]
            return [[int(id_), name] for id_, name in zip(path, names, strict=True)]

        if not (places or own):
            return {}
        depths = [shape.depth(node) for node in places] + [shape.depth(node) - 1 for node in own]
        return {
            "tree": shape.tree,
            "depth": min(depths),
            "places": [way(node) for node in places],
            "above": [[int(node), [way(parent) for parent in shape.parents[node]]] for node in own],
            "positions": [],
            "patches": [],
        }

    def _unify(self, keep: LabelId, away: LabelId) -> Former:
        """Give one label the places of another and what is below it, and take the other out of the tree."""
        shape, book = self._view.shape, self._view.labels
        nodes = self._own_nodes([keep, away])
        number = book.number(away)
        gone = nodes[away]
        places = [node for node in shape.nodes_of[number] if node not in gone]
        former = self._former(places, gone)
        if gone and not nodes[keep]:
            kept = self.label(keep)
            fields = {"label": keep, "name": kept.name, "description": kept.description}
            taken: Arguments = {"node": gone[0], "fields": fields}
            self._record("edit_node", lambda editor: edit_node(editor, taken))
        event = self._record(
            "unify_labels", lambda editor: _unify_labels(editor, keep, away, nodes[keep], gone)
        )
        arguments = event.inverse["arguments"]
        if former:
            former["positions"] = [
                [row[0], row[2]] for row in arguments["add_placements"] if row[1] == number
            ]
            former["patches"] = [arguments]
        return former

    def _put_back(self, label: LabelId, former: Former) -> None:
        """Place a restored label where it stood, as far as that is still there."""
        if "tree" in former:
            self._record("put_back_label", lambda editor: _put_back_label(editor, label, former))
        if "named" in former:
            keep, names = LabelId(former["named"][0]), set(former["named"][1])
            if self._view.labels.is_live(keep):
                left = [name for name in self.label(keep).alternatives if name not in names]
                self.set_alternatives({keep: left})


def places_before(mapping: LabelMapping) -> list[list[str]]:
    """Return where a retired label stood: the names of the nodes from the top down, for each place."""
    if not mapping.former:
        return []
    former = load(mapping.former)
    ways = [*former.get("places", ()), *(way for _, above in former.get("above", ()) for way in above)]
    return [[name for _, name in way] for way in ways]


def names_given(mapping: LabelMapping) -> tuple[str, ...]:
    """Return the names that a merged label gave to the label it was merged into."""
    return tuple(load(mapping.former).get("named", ("", ()))[1]) if mapping.former else ()


def former_of(places: Sequence[Sequence[str]], keep: LabelId | None, names: Sequence[str]) -> str:
    """Return the `LabelMapping.former` of a label that stood in another tree, from what the two above return."""
    named = {"named": [keep, list(names)]} if keep is not None and names else {}
    if not places:
        return dump(named) if named else ""
    ways = [[[0, name] for name in place] for place in places]
    stood = {"tree": 0, "depth": min(map(len, places)), "places": ways, "above": []}
    return dump({**stood, "positions": [], "patches": [], **named})


def _take_out_labels(editor: Editor, pairs: Sequence[tuple[int, int]]) -> OperationResult:
    done = patch(editor, patch_of(remove_placements=pairs, may_lose=True))
    return OperationResult({"count": len(pairs)}, done.inverse)


def _take_out_node(node: int, to: Sequence[int]) -> Any:
    """Return the step that removes a node whose content goes to `to`, or, where that is below it, to its parents."""

    def step(editor: Editor) -> OperationResult:
        shape = editor.shape
        heirs = [each for each in to if each != node and not shape.is_below(each, node)] or shape.parents[
            node
        ]
        edges = [
            (heir, child)
            for heir in heirs
            for child in shape.children[node]
            if child not in shape.children[heir]
        ]
        return node_operations.spread(editor, node, edges, heirs, {"gone": node})

    return step


def _unify_labels(
    editor: Editor, keep: LabelId, away: LabelId, there: Sequence[int], gone: Sequence[int]
) -> OperationResult:
    """Give `keep` the places of `away`.

    `there` and `gone` are the nodes that are the two labels; without `there`, `gone[0]` is `keep` by now.
    """
    shape, book = editor.shape, editor.view.labels
    kept, lost = book.number(keep), book.number(away)
    remove_edges: dict[tuple[int, int], None] = {}
    add_edges: dict[tuple[int, int], None] = {}
    add_placements: dict[tuple[int, int], None] = {}
    remove_placements = dict.fromkeys((node, lost) for node in shape.nodes_of[lost])
    above = [node for node in shape.nodes_of[lost] if node not in gone]
    if gone and not there:
        there, gone = gone[:1], gone[1:]
        if kept not in shape.labels_at[there[0]]:
            add_placements[there[0], kept] = None
        for node in shape.nodes_of[kept]:
            if node != there[0]:
                remove_placements[node, kept] = None
                above.append(node)
    one = there[0] if there else None
    for node in gone:
        assert one is not None
        remove_edges |= dict.fromkeys((parent, node) for parent in shape.parents[node])
        remove_edges |= dict.fromkeys((node, child) for child in shape.children[node])
        for child in shape.children[node]:
            if child != one:
                heirs = shape.parents[node] if shape.is_below(one, child) else (one,)
                add_edges |= dict.fromkeys((heir, child) for heir in heirs)
        add_placements |= dict.fromkeys((one, label) for label in shape.labels_at[node] if label != lost)
        remove_placements |= dict.fromkeys((node, label) for label in shape.labels_at[node])
        above += shape.parents[node]
    for node in dict.fromkeys(above):
        if one is None:
            add_placements[node, kept] = None
        elif node not in gone and not shape.is_below(node, one):
            add_edges[node, one] = None
    edges = [
        edge
        for edge in add_edges
        if not set(edge) & set(gone) and (edge[0] not in shape.parents[edge[1]] or edge in remove_edges)
    ]
    placements = [pair for pair in add_placements if pair[0] not in shape.nodes_of[pair[1]]]
    at = editor.next_ids("position", len(edges) + len(placements))
    done = patch(
        editor,
        patch_of(
            remove_nodes=gone,
            remove_edges=remove_edges,
            add_edges=[(*edge, at + row) for row, edge in enumerate(edges)],
            remove_placements=remove_placements,
            add_placements=[(*pair, at + len(edges) + row) for row, pair in enumerate(placements)],
            may_lose=True,
        ),
    )
    return OperationResult({"kept": keep, "merged": away}, done.inverse)


def _put_back_label(editor: Editor, label: LabelId, former: Former) -> OperationResult:
    """Place a label where it stood: its nodes with what was below them, and its other places or the nearest above."""
    shape, number = editor.shape, editor.view.labels.number(label)
    add_nodes: list[Arguments] = []
    add_edges: dict[tuple[int, int], int] = {}
    remove_edges: dict[tuple[int, int], None] = {}
    add_placements: dict[tuple[int, int], int] = {}
    remove_placements: dict[tuple[int, int], None] = {}
    same = former["tree"] == shape.tree
    back: set[int] = set()
    for each in former["patches"] if same else ():
        for node in each["add_nodes"]:
            id_ = node["id"]
            if node["label"] != label or editor.execute("SELECT 1 FROM nodes WHERE id = ?", [id_]):
                continue
            parents = [row for row in each["add_edges"] if row[1] == id_ and shape.has(row[0])]
            if not parents:
                continue
            add_nodes.append(node)
            back.add(id_)
            add_edges |= {(parent, child): position for parent, child, position in parents}
            for _, child, position in (row for row in each["add_edges"] if row[0] == id_):
                edges = [(edge[0], edge[1]) for edge in each["remove_edges"] if edge[1] == child]
                stands = shape.has(child) and all(edge[0] in shape.parents[child] for edge in edges)
                if stands and not any(shape.is_below(row[0], child) for row in parents):
                    add_edges[id_, child] = position
                    remove_edges |= dict.fromkeys(edges)
            for _, other, position in (row for row in each["add_placements"] if row[0] == id_):
                pairs = [(row[0], row[1]) for row in each["remove_placements"] if row[1] == other]
                stands = other != number and _is_live(editor, other)
                if stands and all(pair[0] in shape.nodes_of[other] for pair in pairs):
                    add_placements[id_, other] = position
                    remove_placements |= dict.fromkeys(pairs)
    positions = dict(former["positions"]) if same else {}
    nodes = [_nearest(editor, way, back, same=same) for way in former["places"]]
    for id_, ways in former["above"]:
        nodes += [id_] if id_ in back else [_nearest(editor, way, back, same=same) for way in ways]
    for node in dict.fromkeys(nodes):
        add_placements[node, number] = positions.get(node) or editor.next_ids("position")
    done = patch(
        editor,
        patch_of(
            add_nodes=add_nodes,
            add_edges=[(*edge, position) for edge, position in add_edges.items()],
            remove_edges=remove_edges,
            add_placements=[(*pair, position) for pair, position in add_placements.items()],
            remove_placements=remove_placements,
        ),
    )
    return OperationResult({"back": label, "count": len(nodes)}, done.inverse)


def _is_live(editor: Editor, number: int) -> bool:
    book = editor.view.labels
    return bool(0 < number <= book.last and book.is_live(book.ids([number])[0]))


def _nearest(editor: Editor, way: Sequence[tuple[int, str]], back: set[int], *, same: bool) -> int:
    """Return the lowest node of a former path that is still there: by its number, in another tree by its name."""
    here = ROOT
    for id_, name in way:
        if same:
            here = id_ if id_ in back or editor.shape.has(id_) else here
            continue
        below = editor.view.nodes.get(editor.shape.children[here])
        found = next((node.id for node in below if node.name == name), None)
        if found is None:
            break
        here = found
    return here


def _depth(mapping: LabelMapping) -> int:
    return int(load(mapping.former).get("depth", 0)) if mapping.former else 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
