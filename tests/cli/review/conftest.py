"""A shop with a review queue of three items."""

import json
from pathlib import Path

import pytest
from fakes import packaged_embedder

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.review.review_queue import ReviewQueue
from taxonaut.workspace.review.suspects import Suggestion, Suspect

WORDS = {"shoes": "running jogging race", "boots": "hiking trail alpine", "apples": "apple red sweet"}
COLOURS = ("blue", "grey", "white", "black", "green", "brown", "pink", "gold")
PATHS = {
    "shoes": ("Sport", "Shoes", "Running shoes"),
    "boots": ("Sport", "Shoes", "Hiking boots"),
    "apples": ("Food", "Fruit", "Red apples"),
}


@pytest.fixture
def given() -> GlobalOptions:
    return GlobalOptions(embedder=packaged_embedder())


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Labelled items, one with a wrong label and a text that a spreadsheet would run."""
    rows = [
        {"id": f"{label}-{place}", "text": f"{words} {colour} {label}", "labels": [label]}
        for label, words in WORDS.items()
        for place, colour in enumerate(COLOURS)
    ]
    rows.append({"id": "bad", "text": "=apple red sweet apples", "labels": ["shoes"]})
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def suspect(name: str, text: str, given: str, *suggested: str) -> Suspect:
    return Suspect(
        Item(ItemId(name), text),
        (LabelId(given),),
        (PATHS[given],),
        tuple(Suggestion(LabelId(each), PATHS[each], 0.75) for each in suggested),
        0.9,
        ("it looks odd",),
        {"doubted": given},
    )


@pytest.fixture
def queued(shop: Path) -> Path:
    """The shop, with three items in its queue."""
    ReviewQueue(shop).put(
        "errors",
        [
            suspect("one", "crisp red apples", "shoes", "apples", "boots"),
            suspect("two", "alpine boots for hiking", "shoes", "boots"),
            suspect("three", "a long race\n" * 30, "apples", "shoes"),
        ],
    )
    return shop
