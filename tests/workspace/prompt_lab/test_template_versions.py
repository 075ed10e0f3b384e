"""Versions of templates: kept with all files behind them, found by their hashes, brought back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import length_embedder

from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.workspace.build import build_agents
from taxonaut.workspace.prompt_lab.template_versions import find_version, list_versions, restore
from taxonaut.workspace.workspace import Workspace

NAME = "navigator/expand"
PACKAGED = PromptLibrary().hash(NAME)
WHOLE = (
    "{{% block system %}}{0}{{% endblock %}}{{% block context %}}{{% endblock %}}"
    "{{% block item %}}{{{{ text }}}}{{% endblock %}}"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w") as opened:
        yield opened


@pytest.fixture
def copy(workspace: Workspace) -> Path:
    """Where the workspace's copy is; it is not there yet."""
    path = workspace.folder / "prompts" / (NAME + SUFFIX)
    path.parent.mkdir(parents=True)
    return path


def kept_now(workspace: Workspace) -> str:
    return workspace.store_templates([NAME])[NAME]


def system(workspace: Workspace) -> str:
    return workspace.prompts.get(NAME).render("system", {"task": ""})


def test_all_files_are_kept_once(workspace: Workspace, copy: Path) -> None:
    copy.write_text('{% extends "packaged/navigator/expand.j2" %}{% block system %}Own{% endblock %}')
    hash_ = kept_now(workspace)
    assert Templates(workspace.database).files(hash_) == {
        NAME + SUFFIX: copy.read_text(),
        f"packaged/{NAME}{SUFFIX}": PromptLibrary().text(NAME),
    }
    assert kept_now(workspace) == hash_
    assert Templates(workspace.database).history(NAME) == [hash_]


def test_a_version_is_found_by_a_unique_beginning(workspace: Workspace, copy: Path) -> None:
    copy.write_text(WHOLE.format("One"))
    one = kept_now(workspace)
    assert find_version(workspace, one[:4]).hash == one
    assert find_version(workspace, PACKAGED[:6]).name == NAME
    assert find_version(workspace, "packaged", NAME).hash == PACKAGED
    with pytest.raises(NotFoundError, match="no version with a hash that begins with 'zz' is kept"):
        find_version(workspace, "zz")
    with pytest.raises(NotFoundError, match="there is no template 'navigator/dance'"):
        find_version(workspace, "packaged", "navigator/dance")
    for number in range(17):
        copy.write_text(WHOLE.format(number))
        kept_now(workspace)
    firsts = [hash_[0] for hash_ in (PACKAGED, *Templates(workspace.database).history(NAME))]
    several = next(first for first in firsts if firsts.count(first) > 1)
    with pytest.raises(InputError, match=f"'{several}' begins {firsts.count(several)} hashes: "):
        find_version(workspace, several, NAME)


def test_a_version_comes_back_and_the_copy_is_kept_though_it_never_ran(
    workspace: Workspace, copy: Path
) -> None:
    copy.write_text(WHOLE.format("One"))
    one = kept_now(workspace)
    copy.write_text(WHOLE.format("Two"))
    done = restore(workspace, one)
    assert (done.way, done.hash, copy.read_text()) == ("written", one, WHOLE.format("One"))
    assert workspace.prompts.hash(NAME) == one
    back = restore(workspace, done.set_aside)
    assert (back.set_aside, copy.read_text()) == (one, WHOLE.format("Two"))
    assert restore(workspace, done.set_aside).way == "already"
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_the_packaged_version_comes_back_by_removing_the_copy(workspace: Workspace, copy: Path) -> None:
    assert restore(workspace, PACKAGED).way == "already"
    copy.write_text(WHOLE.format("Own"))
    done = restore(workspace, PACKAGED)
    assert (done.way, copy.exists(), workspace.prompts.where(NAME)) == ("removed", False, "packaged")
    assert restore(workspace, done.set_aside).way == "written"
    assert copy.read_text() == WHOLE.format("Own")


def test_a_copy_that_is_not_valid_is_kept_by_its_text(workspace: Workspace, copy: Path) -> None:
    copy.write_text("{% block system %}")
    done = restore(workspace, PACKAGED)
    assert done.way == "removed"
    restore(workspace, done.set_aside)
    assert copy.read_text() == "{% block system %}"


def test_what_it_extends_has_changed_since(workspace: Workspace, copy: Path) -> None:
    above = workspace.folder / "prompts" / "shared.j2"
    above.write_text(WHOLE.format("Then"))
    copy.write_text('{% extends "shared.j2" %}{% block item %}Text: {{ text }}{% endblock %}')
    then = kept_now(workspace)
    above.write_text(WHOLE.format("Now"))
    now = kept_now(workspace)
    assert system(workspace) == "Now"
    done = restore(workspace, then)
    assert (done.way, done.wanted, done.set_aside) == ("whole", then, now)
    assert done.hash == workspace.prompts.hash(NAME) != then
    assert system(workspace) == "Then"
    assert workspace.prompts.get(NAME).render("item", {"text": "a"}) == "Text: a"
    assert above.read_text() == WHOLE.format("Now")


def test_what_cannot_be_written_out_leaves_the_copy_alone(workspace: Workspace, copy: Path) -> None:
    above = workspace.folder / "prompts" / "shared.j2"
    above.write_text("Then")
    own = WHOLE.format('{% include "shared.j2" %}')
    copy.write_text(own)
    then = kept_now(workspace)
    above.write_text("Now")
    with pytest.raises(InputError, match="cannot be written as a standalone template: it reads another file"):
        restore(workspace, then)
    assert (copy.read_text(), system(workspace)) == (own, "Now")


def test_a_version_of_which_an_older_taxonaut_kept_its_own_file(workspace: Workspace, copy: Path) -> None:
    text = '{% extends "packaged/navigator/expand.j2" %}{% block system %}Own{% endblock %}'
    copy.write_text(text)
    hash_ = workspace.prompts.hash(NAME)
    copy.unlink()
    templates = Templates(workspace.database)
    templates.keep(hash_, NAME, text)
    templates.keep("0123456789ab", NAME, text)
    assert restore(workspace, hash_).way == "written"
    assert copy.read_text() == text
    with pytest.raises(InputError, match="only its own file was kept, and what it extends has changed since"):
        restore(workspace, "0123456789ab")


def test_the_log_of_a_name_has_also_what_never_ran(workspace: Workspace, copy: Path) -> None:
    assert list_versions(workspace) == []
    copy.write_text(WHOLE.format("One"))
    one = kept_now(workspace)
    copy.write_text(WHOLE.format("Two"))
    two = workspace.prompts.hash(NAME)
    told = {row.hash: (row.in_use, row.is_packaged, row.use) for row in list_versions(workspace, NAME)}
    assert told == {one: (False, False, None), two: (True, False, None), PACKAGED: (False, True, None)}
    assert [row.hash for row in list_versions(workspace)] == [two]
    copy.write_text("{% block system %}")
    assert {row.hash: row.in_use for row in list_versions(workspace, NAME)} == {one: False, PACKAGED: False}


def test_a_build_keeps_what_its_agents_are_told(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "built", embedder=length_embedder())
    workspace.index.add_labels([Label(LabelId("a"), "A")])
    workspace.build_index("agents")
    names = [each.name for each in Templates(workspace.database).beginning("")]
    workspace.close()
    assert sorted(names) == sorted(build_agents.TEMPLATES)
