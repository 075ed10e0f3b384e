"""The stores next to the index: replies, items, templates."""

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import canonical, dump, load, pack, unpack
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.state.stores.reply_cache import ResponseCache

ODD = '\'); DROP TABLE items; --\n"🍏" שלום \0 end'


def test_the_first_answer_of_a_key_stays(database: Database) -> None:
    cache = ResponseCache(database)
    cache.put_many({"a": "1", ODD: ODD})
    cache.put_many({"a": "changed", "b": "2"})
    assert cache.get_many(["b", "a", ODD, "none", "a"]) == {"a": "1", "b": "2", ODD: ODD}
    assert (cache.get_many(["a"]), cache.get_many(["none"]), cache.get_many([])) == ({"a": "1"}, {}, {})
    assert len(cache) == 3
    cache.clear()
    assert len(cache) == 0


def test_many_answers(database: Database) -> None:
    cache = ResponseCache(database)
    answers = {f"key {number}": str(number) for number in range(5000)}
    cache.put_many(answers)
    cache.put_many({})
    assert cache.get_many([*answers, "none"]) == answers


def test_the_last_text_of_an_item_counts(database: Database) -> None:
    items = Items(database)
    a, b = ItemId("a"), ItemId(ODD)
    items.put([Item(a, "old"), Item(b, ODD), Item(a, "newer")])
    items.put([Item(a, "newest")])
    items.put([])
    assert items.get([b, a, b]) == [Item(b, ODD), Item(a, "newest"), Item(b, ODD)]
    assert (items.get([]), len(items)) == ([], 2)
    with pytest.raises(NotFoundError, match="no item 'c' in this workspace; classify it first"):
        items.get([a, ItemId("c")])


def test_a_text_of_a_million_characters(database: Database) -> None:
    item = Item(ItemId("long"), "🍏x" * 500_000)
    Items(database).put([item])
    assert Items(database).get([item.id]) == [item]


def test_templates_are_kept_by_hash(database: Database) -> None:
    templates = Templates(database)
    templates.keep("h1", "navigator/choose", "first")
    templates.keep("h2", "navigator/choose", ODD)
    templates.keep("h1", "navigator/choose", "ignored")
    assert templates.history("navigator/choose") == ["h1", "h2"]
    assert (templates.text("h1"), templates.text("h2")) == ("first", ODD)
    with pytest.raises(NotFoundError, match="no template with hash 'h3' was kept"):
        templates.text("h3")


def test_packing() -> None:
    assert [pack(()), pack((ODD, "b")), pack((0.5, 1))] == ["", dump([ODD, "b"]), "[0.5,1]"]
    assert [unpack(""), unpack(pack((ODD, "b")))] == [(), (ODD, "b")]
    assert load(dump({"a": [1, None, ODD]})) == {"a": [1, None, ODD]}
    assert canonical({"b": 1, "a": {"d": 1, "c": 2}}) == '{"a":{"c":2,"d":1},"b":1}'
