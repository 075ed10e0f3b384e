"""What the arguments of a call stand for: ids, and what small models give in their place."""

from typing import Any

import pytest

from taxonaut.conversation.nlu.mentions import path_names, resolve_place
from taxonaut.state.errors import InputError, NotFoundError


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("au", ("Electronics", "Audio")),
        ("ib", ("Electronics", "Audio", "Headphones", "Earbuds")),
        ("Audio", ("Electronics", "Audio")),
        ("earbuds", ("Electronics", "Audio", "Headphones", "Earbuds")),
        ("Electronics > Cameras", ("Electronics", "Cameras")),
        ("the top", ()),
    ],
)
def test_a_text_is_a_label_else_a_path_or_a_name(
    shop_workspace: Any, given: str, path: tuple[str, ...]
) -> None:
    assert path_names(shop_workspace.index, resolve_place(shop_workspace.index, given)) == path


def test_a_number_is_a_node(shop_workspace: Any) -> None:
    node = resolve_place(shop_workspace.index, "Audio")
    assert resolve_place(shop_workspace.index, int(node)) == node


def test_what_is_not_there_is_said_with_what_is_near(shop_workspace: Any) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'Headphones'"):
        resolve_place(shop_workspace.index, "Headphone")


def test_a_name_in_several_places_is_not_guessed(shop_workspace: Any) -> None:
    index = shop_workspace.index
    index.create_node(index.root(), "Audio")
    with pytest.raises(InputError, match="'Audio' is in several places"):
        resolve_place(index, "Audio")
