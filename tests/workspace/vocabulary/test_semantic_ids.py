"""Descriptors as tokens in fixed slots, and the files that hold them."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Node
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import (
    Meaning,
    Slot,
    choose_distinct,
    letter_name,
    meanings_file,
    read_semantic_ids,
    semantic_ids,
    write_semantic_ids,
)

ROOT = NodeId(1)


def vocabulary(parents: Sequence[int], taggings: Sequence[Tagging]) -> Vocabulary:
    """Node n + 2 stands below `parents[n]`; 1 is the root. Parents come before children, but not in preorder."""
    below: dict[int, list[int]] = {}
    for number, parent in enumerate(parents, start=2):
        below.setdefault(parent, []).append(number)
    descriptors: list[Descriptor] = []

    def visit(parent: int, path: tuple[str, ...]) -> None:
        for number in below.get(parent, ()):
            node = Node(NodeId(number), f"d{number}")
            own = (*path, node.name)
            descriptors.append(Descriptor(node.id, NodeId(parent), len(own), own, node))
            visit(number, own)

    visit(ROOT, ())
    return Vocabulary(ROOT, descriptors, taggings)


def tagging(item: str, path: Sequence[int] = (), others: Sequence[int] = ()) -> Tagging:
    return Tagging(ItemId(item), tuple(map(NodeId, path)), tuple(map(NodeId, others)))


PAPER = vocabulary(
    [1, 1, 2, 2, 3],
    [
        tagging("pen", [2, 5], [4]),
        tagging("biro", [2, 5], [5, 4, 4, 6, 3]),
        tagging("ink", [2]),
        tagging("tent", [3, 6], [2]),
        tagging("?"),
        tagging("!"),
        tagging("quill", [2, 5], [4, 3]),
    ],
)
"""Nodes 2 (with 4 and 5) and 3 (with 6)."""


def test_a_path_is_padded_and_shared_paths_are_resolved() -> None:
    found = semantic_ids(PAPER)
    assert found.slots == (
        Slot("l1", "level", "a", 2),
        Slot("l2", "level", "b", 3),
        Slot("r", "resolver", "c", 3),
    )
    assert dict(found.ids) == {
        "pen": ("<a_0>", "<b_1>", "<c_0>"),
        "biro": ("<a_0>", "<b_1>", "<c_1>"),
        "ink": ("<a_0>", "<pad>", "<c_0>"),
        "tent": ("<a_1>", "<b_2>", "<c_0>"),
        "?": ("<pad>", "<pad>", "<c_0>"),
        "!": ("<pad>", "<pad>", "<c_1>"),
        "quill": ("<a_0>", "<b_1>", "<c_2>"),
    }
    assert dict(found.meanings) == {
        "<a_0>": Meaning(NodeId(2), "d2", ("d2",)),
        "<a_1>": Meaning(NodeId(3), "d3", ("d3",)),
        "<b_0>": Meaning(NodeId(4), "d4", ("d2", "d4")),
        "<b_1>": Meaning(NodeId(5), "d5", ("d2", "d5")),
        "<b_2>": Meaning(NodeId(6), "d6", ("d3", "d6")),
    }
    assert (found.used, found.base_tokens, found.largest_group, found.beyond_first) == ((2, 2, 3), 4, 3, 3)


def test_further_descriptors_share_one_set_of_tokens() -> None:
    found = semantic_ids(PAPER, further=2)
    assert [(slot.name, slot.letter, slot.size) for slot in found.slots] == [
        ("l1", "a", 2),
        ("l2", "b", 3),
        ("x1", "c", 5),
        ("x2", "c", 5),
        ("r", "d", 2),
    ]
    assert [found.ids[ItemId(item)][2:] for item in ("pen", "biro", "quill", "tent", "!")] == [
        ("<c_1>", "<pad>", "<d_0>"),
        ("<c_1>", "<c_4>", "<d_0>"),
        ("<c_1>", "<c_3>", "<d_0>"),
        ("<c_0>", "<pad>", "<d_0>"),
        ("<pad>", "<pad>", "<d_1>"),
    ]
    assert (found.path(ItemId("biro")), found.further(ItemId("biro"))) == ((2, 5), (4, 6))


def test_items_of_one_path_take_further_descriptors_that_differ() -> None:
    taggings = [tagging(item, [2], [3, 4, 5]) for item in "abcd"] + [
        tagging("e", [3], [2]),
        tagging("f", [2]),
    ]
    found = choose_distinct(vocabulary([1, 1, 1, 1], taggings).taggings, 1)
    assert found == {"a": (3,), "b": (4,), "c": (5,), "d": (3,), "e": (2,), "f": ()}
    pairs = choose_distinct(taggings, 2)
    assert [pairs[ItemId(item)] for item in "abcd"] == [(3, 4), (3, 5), (4, 5), (3, 4)]
    assert semantic_ids(vocabulary([1, 1, 1, 1], taggings), 1).beyond_first == 1


def test_without_a_resolver_ids_may_be_shared() -> None:
    found = semantic_ids(PAPER, resolver=False)
    assert [slot.name for slot in found.slots] == ["l1", "l2"]
    assert found.ids[ItemId("pen")] == found.ids[ItemId("quill")] == ("<a_0>", "<b_1>")
    assert (found.largest_group, found.beyond_first, found.resolves) == (3, 3, False)


def test_nothing_to_put_in_slots() -> None:
    assert dict(semantic_ids(vocabulary([], [tagging("a"), tagging("b")])).ids) == {
        "a": ("<a_0>",),
        "b": ("<a_1>",),
    }
    empty = semantic_ids(vocabulary([1], []))
    assert ([slot.size for slot in empty.slots], empty.largest_group, empty.ids) == ([1, 0], 0, {})


def test_what_no_descriptor_fits_has_the_nearest_under_tokens_of_their_own() -> None:
    near = {
        ItemId("?"): tagging("?", [3, 6], [2]),
        ItemId("!"): tagging("!", [2, 4], [5, 3]),
        ItemId("ink"): tagging("ink", [5], [4]),
    }
    found = semantic_ids(PAPER, nearest=near)
    assert [(slot.name, slot.size) for slot in found.slots] == [("l1", 4), ("l2", 6), ("r", 3)]
    assert {item: found.ids[ItemId(item)] for item in ("pen", "ink", "?", "!")} == {
        "pen": ("<a_0>", "<b_1>", "<c_0>"),
        "ink": ("<a_0>", "<b_4>", "<c_0>"),
        "?": ("<a_3>", "<b_5>", "<c_0>"),
        "!": ("<a_2>", "<b_3>", "<c_0>"),
    }
    assert found.meanings["<b_5>"] == Meaning(NodeId(6), "d6", ("d3", "d6"), nearest=True)
    assert (found.path(ItemId("ink")), found.nearest(ItemId("ink"))) == ((2,), (5,))
    assert (found.path(ItemId("?")), found.nearest(ItemId("?"))) == ((), (3, 6))
    assert (found.with_nearest, found.beyond_first, semantic_ids(PAPER).beyond_first) == (3, 2, 3)
    with TemporaryDirectory() as folder:
        write_semantic_ids(found, Path(folder, "ids.json"))
        assert read_semantic_ids(Path(folder, "ids.json")) == found
    further = semantic_ids(PAPER, further=1, nearest=near)
    assert further.slots[2] == Slot("x1", "further", "c", 10)
    assert [further.ids[ItemId(item)][2] for item in ("pen", "ink", "?", "!")] == [
        "<c_1>",
        "<c_6>",
        "<c_5>",
        "<c_7>",
    ]
    assert (further.further(ItemId("pen")), further.further(ItemId("!"))) == ((4,), ())


def test_a_negative_number_of_slots_is_refused() -> None:
    with pytest.raises(InputError, match="invalid number of further descriptors -1; give 0 or more"):
        semantic_ids(PAPER, -1)


def test_letters_go_on_after_z() -> None:
    assert [letter_name(number) for number in (0, 25, 26, 51, 52, 701, 702)] == [
        "a", "z", "aa", "az", "ba", "zz", "aaa",
    ]  # fmt: skip


IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ['"', "'", "\t", "\n", "a,b", "<pad>", "<a_0>", "长", "é", "e\u0301", "NA", ""]
)


@st.composite
def vocabularies(draw: st.DrawFn) -> Vocabulary:
    """Draw any tree of up to 8 descriptors, and taggings along its paths."""
    parents = [draw(st.integers(1, number - 1)) for number in range(2, draw(st.integers(1, 9)) + 1)]
    nodes = range(2, len(parents) + 2)
    taggings = []
    for item in draw(st.lists(IDS, unique=True, max_size=8)):
        path: list[int] = []
        node = draw(st.sampled_from([1, *nodes]))
        while node != ROOT:
            path.insert(0, node)
            node = parents[node - 2]
        others = draw(st.lists(st.sampled_from(nodes), max_size=4)) if parents else []
        taggings.append(tagging(item, path, others))
    return vocabulary(parents, taggings)


@given(vocabularies(), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_ids_are_unique_and_say_what_the_item_got(drawn: Vocabulary, further: int) -> None:
    found = semantic_ids(drawn, further)
    assert list(found.ids) == [each.item_id for each in drawn.taggings]
    assert len(set(found.ids.values())) == len(drawn.taggings)
    for each in drawn.taggings:
        others = [node for node in dict.fromkeys(each.others) if node not in each.path]
        own = found.further(each.item_id)
        assert found.path(each.item_id) == each.path
        assert len(own) == min(further, len(others))
        assert own == tuple(node for node in others if node in own)
    with TemporaryDirectory() as folder:
        file = Path(folder, "ids.json")
        write_semantic_ids(found, file)
        assert read_semantic_ids(file) == found


@given(vocabularies(), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_new_items_leave_the_ids_of_others_as_they_are(drawn: Vocabulary, further: int) -> None:
    before = semantic_ids(Vocabulary(drawn.root, drawn.descriptors, drawn.taggings[:-1]), further)
    after = semantic_ids(drawn, further)
    assert {item: after.ids[item] for item in before.ids} == before.ids
    assert after.meanings == before.meanings


@pytest.mark.parametrize("name", ["ids.json", "ids.json.gz", "ids"])
def test_files_hold_ids_as_tiger_reads_them(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    beside = write_semantic_ids(semantic_ids(PAPER), file)
    assert beside == meanings_file(file)
    assert beside is not None
    assert beside.name == name.replace("ids.json", "ids").replace("ids", "ids.vocabulary.json")
    opened = gzip.decompress if name.endswith(".gz") else bytes
    ids: Mapping[str, list[str]] = json.loads(opened(file.read_bytes()))
    assert list(ids.items())[:2] == [
        ("pen", ["<a_0>", "<b_1>", "<c_0>"]),
        ("biro", ["<a_0>", "<b_1>", "<c_1>"]),
    ]
    row = json.loads(opened(beside.read_bytes()))
    assert (row["pad"], row["slots"][1], row["tokens"]["<b_2>"]) == (
        "<pad>",
        {"name": "l2", "kind": "level", "letter": "b", "size": 3, "used": 2},
        {"node": 6, "name": "d6", "path": ["d3", "d6"]},
    )
    assert read_semantic_ids(file) == semantic_ids(PAPER)


@pytest.mark.parametrize(
    ("ids", "beside", "says"),
    [
        ("[]", None, "expected a JSON object in "),
        ("{", None, "is not JSON"),
        ('{"a": ["<a_9>", "<b_1>", "<c_0>"]}', None, "expected a known token for each of 3 slots"),
        ('{"a": ["<a_0>"]}', None, "expected a known token for each of 3 slots"),
        ('{"a": 7}', None, "invalid tokens 7 of item 'a'"),
        (None, "{}", "has format None, version None; it must be 'taxonaut semantic ids', 1"),
        (None, '{"format": "taxonaut semantic ids", "version": 1}', "is damaged .KeyError.'slots'"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, ids: str | None, beside: str | None, says: str
) -> None:
    file = tmp_path / "ids.json"
    write_semantic_ids(semantic_ids(PAPER), file)
    if ids is not None:
        file.write_text(ids)
    if beside is not None:
        meanings_file(file).write_text(beside)
    with pytest.raises(InputError, match=says):
        read_semantic_ids(file)
