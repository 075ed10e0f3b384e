"""Items, or labels, on a plane: near where their texts are alike, named by the first levels of the tree."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from taxonaut.models.embedder import Matrix, embed_queries
from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import VOCABULARY, Item
from taxonaut.state.updates import Progress, tell
from taxonaut.state.workspace_folder import MAPS_FOLDER
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.walk.classification import KIND, load_result

Of = Literal["items", "labels"]

MOST_POINTS = 20_000
"""Points of a map; of more items an even sample is drawn."""

LEVELS = 3
"""Levels of the tree that are named."""

LEAST_UMAP = 50
"""Fewer points than this are placed by PCA: UMAP's neighbourhoods say nothing there."""

LONGEST_TEXT = 120
_BATCH = 256
_READ = 5_000


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A branch of the tree on a map. `parent` is the place above it, -1 for none; `points` are counted below it."""

    node: NodeId
    name: str
    level: int
    parent: int
    x: float
    y: float
    points: int


@dataclass(frozen=True, slots=True)
class ItemMap:
    """A map. Lists have an entry a point; coordinates are from -1 to 1.

    `places`: the branches, and `at` the number of each point's deepest one, -1 for none. `labels` are the names of
    the points' labels. `left_out`: how many points more there are. `rests_on` is what it was computed from.
    """

    of: Of
    method: str
    made: str
    rests_on: Mapping[str, int]
    ids: Sequence[str]
    texts: Sequence[str]
    labels: Sequence[str]
    x: Sequence[float]
    y: Sequence[float]
    at: Sequence[int]
    places: Sequence[MapPlace]
    left_out: int


def draw_map(workspace: Core, of: Of = "items") -> ItemMap:
    """Place all items, or all labels, on a plane by their vectors, and keep the map in the workspace.

    By UMAP where `umap-learn` is installed (the extra `map`), else by PCA. An item belongs to its right label where
    that is known, else to the first of its latest labels, or of its descriptors. Raises InputError without points.
    """
    rests_on = basis(workspace, of)
    ids, texts, names, ways, left_out = (_labels if of == "labels" else _items)(workspace)
    if not ids:
        raise InputError(
            "there are no labels to draw; import some: taxonaut labels import FILE"
            if of == "labels"
            else "there are no items to draw; label some texts first: taxonaut classify FILE"
        )
    vectors = (
        _label_vectors(workspace, [LabelId(each) for each in ids])
        if of == "labels"
        else _embed(workspace, texts)
    )
    method, plane = _place(vectors)
    places, at = _name_places(workspace, ways, plane)
    drawn = ItemMap(
        of=of,
        method=method,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        rests_on=rests_on,
        ids=ids,
        texts=[" ".join(text[: 2 * LONGEST_TEXT].split())[:LONGEST_TEXT] for text in texts],
        labels=names,
        x=[round(float(value), 4) for value in plane[:, 0]],
        y=[round(float(value), 4) for value in plane[:, 1]],
        at=at,
        places=places,
        left_out=left_out,
    )
    _keep(workspace.folder, drawn)
    return drawn


def basis(workspace: Core, of: Of) -> dict[str, int]:
    """Return what a map drawn now would rest on: the version of the tree, and counts of items and of their labels."""
    found = {"version": int(workspace.index.version())}
    if of == "items":
        runs = workspace.runs.list(KIND)
        found |= {"items": len(workspace.items), "labelled": sum(run.units for run in runs)}
    return found


def stale_reasons(drawn: ItemMap, now: Mapping[str, int]) -> list[str]:
    """Say what has changed since a map was drawn; nothing where it still holds."""
    said = []
    before = drawn.rests_on
    if now["version"] != before.get("version"):
        said.append("the tree was changed")
    more = now.get("items", 0) - before.get("items", 0)
    if more:
        many = "1 item was" if abs(more) == 1 else f"{abs(more):,} items were"
        said.append(f"{many} {'added' if more > 0 else 'removed'}")
    elif now.get("labelled") != before.get("labelled"):
        said.append("items were labelled again")
    return said


def load_map(folder: Path, of: Of) -> ItemMap | None:
    """Return the map that is kept, None for none, or for one that cannot be read: it is drawn anew then."""
    try:
        row = json.loads((folder / MAPS_FOLDER / f"{of}.json").read_text(encoding="utf-8"))
        return ItemMap(**{**row, "places": [MapPlace(**place) for place in row["places"]]})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(folder: Path, drawn: ItemMap) -> None:
    file = folder / MAPS_FOLDER / f"{drawn.of}.json"
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(exist_ok=True)
        new.write_text(json.dumps(asdict(drawn)), encoding="utf-8")
        new.replace(file)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise DiskError(f"cannot write {str(file)!r}: {error.strerror}") from None


_Points = tuple[list[str], list[str], list[str], list[tuple[NodeId, ...]], int]
"""Ids, texts, names of labels and ways from the top of the points, and how many are left out."""


def _sampled(count: int) -> list[int]:
    """Return the places of at most `MOST_POINTS` of so many, evenly spread."""
    most = min(count, MOST_POINTS)
    return [place * count // most for place in range(most)] if most else []


def _labels(workspace: Core) -> _Points:
    index = workspace.index
    every = index.all_labels()
    chosen = [every[place] for place in _sampled(len(every))]
    ways = _ways(workspace, [label.id for label in chosen])
    names = [label.name for label in chosen]
    return [label.id for label in chosen], names, names, ways, len(every) - len(chosen)


def _items(workspace: Core) -> _Points:
    every: list[ItemId] = []
    while len(part := workspace.items.after(every[-1] if every else ItemId(""), _READ)) > 0:
        every += [item.id for item in part]
    chosen: list[Item] = []
    ids = [every[place] for place in _sampled(len(every))]
    for start in range(0, len(ids), _READ):
        chosen += workspace.items.known(ids[start : start + _READ])
    if workspace.index.tree_method() == VOCABULARY:
        vocabulary = read_vocabulary(workspace)
        paths = {tagging.item_id: tagging.path for tagging in vocabulary.taggings}
        ways = [paths.get(item.id, ()) for item in chosen]
        names = [vocabulary.by_id[way[-1]].node.name if way else "" for way in ways]
    else:
        best = _best_labels(workspace, chosen)
        labels = [best.get(item.id) for item in chosen]
        known = list(dict.fromkeys(label for label in labels if label and workspace.index.has_label(label)))
        way_of = dict(zip(known, _ways(workspace, known), strict=True))
        name_of = {label.id: label.name for label in workspace.index.labels(known)}
        ways = [way_of.get(label, ()) if label else () for label in labels]
        names = [name_of.get(label, "") if label else "" for label in labels]
    return [item.id for item in chosen], [item.text for item in chosen], names, ways, len(every) - len(chosen)


def _best_labels(workspace: Core, items: Sequence[Item]) -> dict[ItemId, LabelId]:
    """Return the right label of each item where one is known, else the first of its latest labels."""
    keys = {unit_key(item): item.id for item in items}
    found = {
        keys[key]: truth.right[0] for key, truth in workspace.ledger.truths(list(keys)).items() if truth.right
    }
    for run in workspace.runs.list(KIND):
        open_keys = [key for key, item in keys.items() if item not in found]
        for key, row in workspace.runs.finished(run.id, open_keys).items():
            labels = load_result(row).labels
            if labels:
                found[keys[key]] = labels[0].label_id
    return found


def _ways(workspace: Core, labels: Sequence[LabelId]) -> list[tuple[NodeId, ...]]:
    """Return the first nodes from the top down to each label; () for one that is in no node."""
    index = workspace.index
    nodes = [next(iter(index.placements_of(label)), None) for label in labels]
    known = [node for node in dict.fromkeys(nodes) if node is not None]
    paths = index.node_paths(known)
    return [() if node is None else paths[node][:LEVELS] for node in nodes]


def _label_vectors(workspace: Core, labels: Sequence[LabelId]) -> Matrix:
    table = workspace.wiring.label_table(workspace.config.embeddings)
    found: Matrix = table.vectors[[table.rows[label] for label in labels]]
    return found


def _embed(workspace: Core, texts: Sequence[str]) -> Matrix:
    embedder = workspace.wiring.embedder_for(workspace.config.embeddings)
    parts = []
    for start in range(0, len(texts), _BATCH):
        tell(Progress("embedding items", start, len(texts)))
        parts.append(embed_queries(embedder, texts[start : start + _BATCH]))
    return np.concatenate(parts)


def _place(vectors: Matrix) -> tuple[str, Matrix]:
    """Place vectors on a plane, each coordinate from -1 to 1; return the method and the plane."""
    tell(Progress("placing points", 0, None))
    if len(vectors) >= LEAST_UMAP and find_spec("umap") is not None:
        import umap

        method = "umap"
        reducer = umap.UMAP(n_neighbors=15, min_dist=0.15, metric="cosine", random_state=7, n_jobs=1)
        plane = np.asarray(reducer.fit_transform(vectors), dtype=np.float32)
    else:
        method, plane = "pca", principal_plane(vectors)
    plane = plane - (plane.max(axis=0) + plane.min(axis=0)) / 2
    return method, plane / max(float(np.abs(plane).max()), 1e-9)


def principal_plane(vectors: Matrix) -> Matrix:
    """Project vectors on their two principal axes, whose signs are fixed: shape (n, 2)."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    two = axes[:, [-1, -2]] if axes.shape[1] > 1 else np.pad(axes, ((0, 0), (0, 1)))
    largest = two[np.abs(two).argmax(axis=0), range(2)]
    return np.asarray(centred @ (two * np.where(largest < 0, -1, 1)), dtype=np.float32)


def _name_places(
    workspace: Core, ways: Sequence[tuple[NodeId, ...]], plane: Matrix
) -> tuple[list[MapPlace], list[int]]:
    """Return the branches with the median of their points, coarse to fine, and each point's deepest one."""
    points: dict[tuple[NodeId, ...], list[int]] = {}
    for point, way in enumerate(ways):
        for level in range(1, min(len(way), LEVELS) + 1):
            points.setdefault(way[:level], []).append(point)
    order = sorted(points, key=lambda way: (len(way), -len(points[way]), way))
    number = {way: place for place, way in enumerate(order)}
    names = {node.id: node.name for node in workspace.index.nodes(sorted({way[-1] for way in order}))}
    places = []
    for way in order:
        x, y = np.median(plane[points[way]], axis=0)
        parent = number[way[:-1]] if len(way) > 1 else -1
        node = way[-1]
        places.append(
            MapPlace(
                node, names[node], len(way), parent, round(float(x), 4), round(float(y), 4), len(points[way])
            )
        )
    return places, [number[way[:LEVELS]] if way else -1 for way in ways]
