"""Another version of one template, and a template written out whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.prompts.eject import inline_template
from taxonaut.prompts.library import BLOCKS, PromptLibrary, hash_files
from taxonaut.state.errors import InputError, NotFoundError

NAME, FILE, ABOVE = "navigator/expand", "navigator/expand.j2", "packaged/navigator/expand.j2"
VARIABLES: dict[str, Any] = {
    "task": "A task.",
    "node": "b",
    "path": "a > b",
    "options": [
        {"id": 1, "name": "x", "description": "d", "path": "", "examples": ["e", "f"]},
        {"id": 2, "name": "y", "description": "", "path": "", "examples": []},
    ],
    "most": 2,
    "text": "some words",
}
EXTENDING = """\
{{% extends "packaged/navigator/expand.j2" %}}
{{% block system %}}
{system}
{{% endblock %}}
{{% block item %}}
{item}
{{% endblock %}}
"""


def files(own: str) -> dict[str, str]:
    return {FILE: own, ABOVE: PromptLibrary().text(NAME)}


def kept(sources: Mapping[str, str]) -> PromptLibrary:
    """A library whose template NAME is read from these sources only."""
    return PromptLibrary().with_version(NAME, sources)


def rendered(prompts: PromptLibrary) -> list[str]:
    return [prompts.get(NAME).render(block, VARIABLES) for block in BLOCKS]


def test_one_template_is_another_version_and_no_other(tmp_path: Path) -> None:
    base = PromptLibrary(tmp_path)
    (tmp_path / "navigator").mkdir()
    (tmp_path / FILE).write_text(EXTENDING.format(system="Now.", item="Now: {{ text }}"))
    then = files(EXTENDING.format(system="Then.", item="Then: {{ text }}"))
    other = base.with_version(NAME, then)
    assert rendered(base)[0] == "Now."
    assert rendered(other)[0] == "Then."
    assert (other.hash(NAME), other.get(NAME).hash, other.text(NAME)) == (hash_files(then),) * 2 + (
        then[FILE],
    )
    assert other.hash("general_expert/rank") == base.hash("general_expert/rank")
    assert other.names() == base.names()
    assert (tmp_path / FILE).read_text().count("Now") == 2


def test_the_packaged_version_of_an_edited_template(tmp_path: Path) -> None:
    (tmp_path / "navigator").mkdir()
    (tmp_path / FILE).write_text(EXTENDING.format(system="Now.", item="{{ text }}"))
    other = PromptLibrary(tmp_path).with_version(NAME, PromptLibrary().files(NAME))
    assert (other.hash(NAME), rendered(other)) == (PromptLibrary().hash(NAME), rendered(PromptLibrary()))


def test_a_kept_version_reads_nothing_but_what_is_kept() -> None:
    own = EXTENDING.format(system="s", item="{{ text }}")
    with pytest.raises(
        InputError, match="the stored version of the template 'navigator/expand' is not valid"
    ):
        kept({FILE: own}).get(NAME)
    assert rendered(PromptLibrary().with_version(NAME, {FILE: own}, complete=False))[0] == "s"
    with pytest.raises(NotFoundError):
        kept({FILE: own}).get("navigator/dance")


@pytest.mark.parametrize("name", PromptLibrary().names())
def test_every_packaged_template_can_be_written_out(name: str) -> None:
    packaged = PromptLibrary()
    text = inline_template(packaged, name)
    again = packaged.with_version(name, {f"{name}.j2": text})
    assert again.lineage(name) == [f"{name}.j2"]
    assert again.get(name).name == name
    assert inline_template(again, name) == text


@given(
    system=st.sampled_from(
        ["Own.", "{{ super() }}", "Before\n{{ super() }}\nafter {{ task }}", "{# note #}"]
    ),
    item=st.sampled_from(["{{ text }}", "{% if text %}{{ super() }}{% endif %}", "Say {{ super() }}"]),
)
def test_written_out_it_renders_the_same(system: str, item: str) -> None:
    version = kept(files(EXTENDING.format(system=system, item=item)))
    assert rendered(kept({FILE: inline_template(version, NAME)})) == rendered(version)


def test_blocks_within_blocks_and_two_above() -> None:
    above = (
        "{% block system %}a{% block inner %}b{% endblock %}c{% endblock %}{% block context %}{% endblock %}"
    )
    sources = {
        FILE: '{% extends "middle.j2" %}{% block inner %}<{{ super() }}>{% endblock %}',
        "middle.j2": '{% extends "top.j2" %}{% block inner %}[{{ super() }}]{% endblock %}',
        "top.j2": above + "{% block item %}{{ text }}{% endblock %}",
    }
    version = kept(sources)
    assert rendered(version) == ["a<[b]>c", "", "some words"]
    assert rendered(kept({FILE: inline_template(version, NAME)})) == rendered(version)


@pytest.mark.parametrize(
    "inside", ['{% include "navigator/expand_scored.j2" %}', "{% set x = super() %}", "{{ super() | upper }}"]
)
def test_what_cannot_be_written_out_is_refused(inside: str) -> None:
    sources = files(EXTENDING.format(system=inside, item="{{ text }}"))
    with pytest.raises(InputError, match=r"reads another file|in a way that cannot be written out"):
        inline_template(PromptLibrary().with_version(NAME, sources, complete=False), NAME)


def test_super_with_nothing_above() -> None:
    text = PromptLibrary().text(NAME).replace("Text: {{ text }}", "{{ super() }}")
    with pytest.raises(InputError, match="no extended template has such a block"):
        inline_template(kept({FILE: text}), NAME)
