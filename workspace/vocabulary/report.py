"""Write a vocabulary report as one interactive HTML file that works offline."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taxonaut.state.descriptors import ChangeProposal, Tagging
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import STDIN
from taxonaut.workspace.vocabulary.origins import Origin
from taxonaut.workspace.vocabulary.reading import Group, Vocabulary
from taxonaut.workspace.vocabulary.report_data import Facts
from taxonaut.workspace.vocabulary.statistics import count_items

FOLDER = Path(__file__).parent / "report_page"
SUFFIXES = (".html", ".htm")
TEMPLATE = "vocabulary.html.j2"

LONGEST_TEXT = 500
SHORTEST_TEXT = 120
ALL_TEXTS = 8_000_000
"""Characters of all item texts in the page; each text is cut to between SHORTEST_TEXT and LONGEST_TEXT."""

MOST_CONFUSED = 20

PAPER = {"descriptors": 0.87, "free_form": 0.24}
"""Utilization reported by AgenticTagger (B.3) for its vocabulary and for free-form keywords."""

ROOT = -1
"""The number of the root in the page's data; descriptors are numbered from 0 in the tree's order."""


@dataclass
class ItemPool:
    """The items that the page shows, each once, in order of first use."""

    vocabulary: Vocabulary
    number: Mapping[NodeId, int]
    places: dict[ItemId, int] = field(default_factory=dict)

    def add(self, items: Iterable[ItemId]) -> list[int]:
        """Add items and return their positions."""
        return [self.places.setdefault(item, len(self.places)) for item in items]

    @property
    def longest(self) -> int:
        """The maximum characters of a text."""
        return max(SHORTEST_TEXT, min(LONGEST_TEXT, ALL_TEXTS // max(1, len(self.places))))

    def rows(self, workspace: Core) -> list[dict[str, Any]]:
        """Return the items: id, text, characters left out, descriptors of the best path, further ones."""
        taggings: dict[ItemId, Tagging] = {
            tagging.item_id: tagging for tagging in self.vocabulary.taggings if tagging.item_id in self.places
        }
        longest = self.longest
        rows = []
        for item in workspace.items.get(list(self.places)):
            tagging = taggings.get(item.id, Tagging(item.id))
            rows.append(
                {
                    "id": item.id,
                    "text": item.text[:longest],
                    "cut": max(0, len(item.text) - longest),
                    "path": [self.number[node] for node in tagging.path],
                    "others": [self.number[node] for node in tagging.others],
                }
            )
        return rows


def report_page(workspace: Core, facts: Facts, *, items: int = 20) -> str:
    """Return the page; of each descriptor it shows the first `items` items in the order of their tagging.

    Texts of users and models never become markup: the data is JSON that cannot close its element, names in tables
    are escaped, and the Content-Security-Policy forbids all requests. Raises MissingExtraError without plotly.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    library = plotly_js()
    vocabulary = facts.vocabulary
    number = {descriptor.id: place for place, descriptor in enumerate(vocabulary.descriptors)}
    pool = ItemPool(vocabulary, number)
    nodes = node_rows(facts, pool, items)
    root = root_row(facts, pool, items)
    uncovered = pool.add(facts.statistics.uncovered[:items])
    confused = None if facts.confused is None else confusion_rows(facts, pool)
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        title=workspace.folder.resolve().name,
        style=Markup((FOLDER / "vocabulary.css").read_text(encoding="utf-8")),
        scripts=[Markup(library), *map(Markup, page_scripts())],
        statistics=facts.statistics,
        rounds=facts.rounds,
        steps=facts.steps,
        confused=confused,
        shared=[(vocabulary.by_id[path[-1]].path, number[path[-1]], count) for path, count in facts.shared],
        uncovered=uncovered,
        shown=items,
        longest=pool.longest,
        paper=PAPER,
        data={
            "root": root,
            "nodes": nodes,
            "items": pool.rows(workspace),
            "history": bool(facts.groups),
            "shown": items,
            "levels": [
                {
                    "level": each.level,
                    "descriptors": each.descriptors,
                    "coverage": each.coverage,
                    "reachable": each.coverage_of_reachable,
                }
                for each in facts.statistics.levels
            ],
            "rounds": [[each.level, each.round, each.coverage] for each in facts.rounds],
            "steps": [[each.level, each.step, list(each.deltas)] for each in facts.steps],
        },
    )


def write_page(workspace: Core, facts: Facts, file: str, *, items: int = 20) -> int:
    """Write the page to a file, `-` for standard output, and return its size in bytes.

    Raises as `check_page` and `report_page` do, and DiskError.
    """
    check_page(file)
    page = report_page(workspace, facts, items=items).encode("utf-8", "replace")
    with write_atomically(Path(file)) as raw:
        raw.write(page)
    return len(page)


def check_page(file: str) -> None:
    """Check early that a page can be written: its suffix, its folder, and plotly."""
    path = Path(file)
    if file != STDIN and path.suffix.lower() not in SUFFIXES:
        raise InputError(f"cannot write a report to {file!r}: use the suffix {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise InputError(
            f"the folder {str(path.parent)!r} does not exist; create it first, or name another file"
        )
    plotly_js()


def page_scripts() -> list[str]:
    """Return the page's own scripts, in execution order."""
    return [(FOLDER / name).read_text(encoding="utf-8") for name in ("page.js", "tree.js", "charts.js")]


def plotly_js() -> str:
    """Return plotly's script. Raises MissingExtraError without plotly."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtraError("plotly", "report") from None
    return str(get_plotlyjs())


def root_row(facts: Facts, pool: ItemPool, items: int) -> dict[str, Any]:
    """Return the root's data: the number of items, a sample, and its rounds."""
    taggings = facts.vocabulary.taggings
    groups = {group.node: group for group in facts.groups}
    return {
        "items": len(taggings),
        "sample": pool.add(tagging.item_id for tagging in taggings[:items]),
        **group_row(groups.get(facts.vocabulary.root)),
    }


def node_rows(facts: Facts, pool: ItemPool, items: int) -> list[dict[str, Any]]:
    """Return the data of every descriptor in preorder: texts, counts, first items, and history."""
    vocabulary = facts.vocabulary
    sample: defaultdict[NodeId, list[ItemId]] = defaultdict(list)
    further: defaultdict[NodeId, list[ItemId]] = defaultdict(list)
    for tagging in vocabulary.taggings:
        for kept, tagged in ((sample, tagging.path), (further, tagging.others)):
            for at in tagged:
                if len(kept[at]) < items:
                    kept[at].append(tagging.item_id)
    having = count_items(vocabulary)
    groups = {group.node: group for group in facts.groups}
    rows = []
    for descriptor in vocabulary.descriptors:
        node, best = descriptor.node, vocabulary.items_at.get(descriptor.id, 0)
        rows.append(
            {
                "name": node.name,
                "parent": pool.number.get(descriptor.parent, ROOT),
                "items": best,
                "further": having[descriptor.id] - best,
                "description": node.description,
                "includes": list(node.includes),
                "excludes": list(node.excludes),
                "sample": pool.add(sample[descriptor.id]),
                "also": pool.add(further[descriptor.id][: max(1, items // 4)]),
                "origin": origin_row(facts.origins.get(descriptor.id)),
                **group_row(groups.get(descriptor.id)),
            }
        )
    return rows


def group_row(group: Group | None) -> dict[str, Any]:
    """Return the rounds of a node's division: items and coverage of each, and the proposed changes.

    `ignored` has, for each round with outliers, its number, and the number of clusters and items left out.
    """
    rounds = group.refined.rounds if group else ()
    changes = [(number, change) for number, each in enumerate(rounds, start=1) for change in each.changes]
    outliers: defaultdict[int, list[int]] = defaultdict(list)
    for number, change in changes:
        if change.kind == "ignore":
            outliers[number].append(change.size)
    return {
        "rounds": [[each.items, each.assigned] for each in rounds],
        "changes": [change_row(number, change) for number, change in changes if change.kind != "ignore"],
        "ignored": [[number, len(left), sum(left)] for number, left in outliers.items()],
    }


def origin_row(origin: Origin | None) -> dict[str, Any] | None:
    """Return a descriptor's origin, None if unknown."""
    if origin is None:
        return None
    created = origin.created
    return {
        "name": origin.centre.name,
        "created": created and change_row(created.round, created.proposal),
        "expanded": [change_row(each.round, each.proposal) for each in origin.expanded],
    }


def change_row(number: int, change: ChangeProposal) -> dict[str, Any]:
    """Return a change proposal of round `number`."""
    return {
        "round": number,
        "kind": change.kind,
        "name": change.centre.name if change.centre else "",
        "description": change.centre.description if change.centre else "",
        "problem": change.problem,
        "size": change.size,
        "approved": change.approved,
        "reason": change.reason,
    }


def confusion_rows(facts: Facts, pool: ItemPool) -> list[dict[str, Any]]:
    """Return the most confused siblings, with the positions of their examples in the pool."""
    by_id = facts.vocabulary.by_id
    return [
        {
            "above": by_id[each.descriptor].path[:-1],
            "one": (pool.number[each.descriptor], by_id[each.descriptor].node.name),
            "other": (pool.number[each.sibling], by_id[each.sibling].node.name),
            "items": each.items,
            "compared": each.compared,
            "share": each.share,
            "examples": [pool.add([example.item, example.nearest]) for example in each.examples],
        }
        for each in (facts.confused or ())[:MOST_CONFUSED]
    ]
