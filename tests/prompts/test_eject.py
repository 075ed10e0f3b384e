"""Copies of templates to change: whole ones, and of single blocks."""

from pathlib import Path
from typing import Any

import pytest

from taxonaut.prompts.eject import effective_blocks, eject
from taxonaut.prompts.library import BLOCKS, PromptLibrary
from taxonaut.prompts.variables import VARIABLES, example_variables
from taxonaut.state.errors import InputError

EXPAND = "navigator/expand"


def rendered(library: PromptLibrary, name: str) -> list[str]:
    """A template's blocks."""
    variables: dict[str, Any] = dict(example_variables(name))
    return [library.get(name).render(block, variables) for block in BLOCKS]


def block_texts(library: PromptLibrary, name: str) -> dict[str, str]:
    """The text of each block."""
    return {block: each.text for block, each in effective_blocks(library, name).items()}


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_copy_says_what_the_packaged_template_says(tmp_path: Path, name: str) -> None:
    packaged = rendered(PromptLibrary(), name)
    for number, blocks in enumerate(((), BLOCKS)):
        library = PromptLibrary(tmp_path / str(number))
        eject(library, name, blocks)
        assert (library.where(name), rendered(library, name)) == ("workspace", packaged)
        assert block_texts(library, name) == block_texts(PromptLibrary(), name)


def test_one_block_then_another(tmp_path: Path) -> None:
    library = PromptLibrary(tmp_path)
    target = eject(library, EXPAND, ("item",))
    assert target.read_text() == (
        "{# Overrides blocks of navigator/expand; all others are the packaged ones. #}\n"
        '{% extends "packaged/navigator/expand.j2" %}\n'
        "{% block item %}\nText: {{ text }}\n{% endblock %}\n"
    )
    target.write_text(target.read_text().replace("Text:", "Title:").rstrip("\n"))
    assert eject(library, EXPAND, ("system",)) == target
    packaged = rendered(PromptLibrary(), EXPAND)
    assert rendered(library, EXPAND) == [*packaged[:2], "Title: wireless earbuds"]
    assert list(effective_blocks(library, EXPAND)) == ["system", "context", "item"]


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        ((), (), "exists; edit it, or delete it to return to the packaged template"),
        ((), ("system",), "is a complete copy of the template; edit its blocks"),
        (("system",), ("item", "system"), "already has the block 'system'; edit it, or delete it there"),
        (("system",), (), "exists; edit it"),
        (
            (),
            ("middle",),
            "the template 'navigator/expand' has no block 'middle'; it has system, context, item",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, first: Any, then: Any, words: str) -> None:
    library = PromptLibrary(tmp_path)
    text = eject(library, EXPAND, first).read_text()
    with pytest.raises(InputError) as caught:
        eject(library, EXPAND, then)
    assert words in str(caught.value)
    assert library.text(EXPAND) == text


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "prompts" / "navigator").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link out of"):
        eject(PromptLibrary(tmp_path / "prompts"), EXPAND)
    assert list((tmp_path / "elsewhere").iterdir()) == []
