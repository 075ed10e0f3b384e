"""Operations on labels from Python: named by id, name or path, tried first, and undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from taxonaut import InputError, Label, LabelChange, LabelFile, LabelId, NotFoundError, Workspace
from taxonaut.workspace.files.label_graph import LabelRow

PATHS = {"k": "Kitchen", "k1": "Kitchen > Kettles", "k2": "Kitchen > Toasters", "g": "Garden"}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    rows = [
        LabelRow(Label(LabelId(id_), path.split(" > ")[-1]), tuple(path.split(" > ")))
        for id_, path in PATHS.items()
    ]
    with Workspace.init(tmp_path / "w") as opened:
        opened.import_labels(LabelFile("shop", tuple(rows)))
        yield opened


def paths(workspace: Workspace) -> dict[str, list[str]]:
    found = workspace.index.paths_of(workspace.index.label_ids())
    return {label: [" > ".join(path) for path in each] for label, each in found.items()}


def test_a_dry_run_writes_nothing(workspace: Workspace) -> None:
    before = workspace.index.version()
    tried = workspace.merge_labels("k1", ["Kitchen > Toasters"], dry_run=True)
    assert isinstance(tried, LabelChange)
    assert ([label.id for label in tried.diff.labels_retired], tried.places) == (["k2"], 1)
    assert workspace.index.version() == before
    workspace.merge_labels("k1", ["Toasters"], reason="one shelf")
    assert workspace.index.mappings()[0].reason == "one shelf"
    back = workspace.restore_labels(["k2"])
    assert back.notes == ("'k1' also stays in the places that it got from 'k2'",)


def test_labels_are_moved_split_renamed_retired_and_restored(workspace: Workspace) -> None:
    start = paths(workspace)
    workspace.move_label("Toasters", "Garden")
    assert paths(workspace)["k2"] == ["Garden > Toasters"]
    workspace.split_label("k2", ["Slot toasters", "oven=Toaster ovens"])
    assert paths(workspace)["oven"] == ["Garden > Toaster ovens"]
    workspace.rename_label("Kettles", "Boilers", new_id="b")
    assert paths(workspace)["b"] == ["Kitchen > Boilers"]
    workspace.retire_labels(["Garden"], replaced_by=["Kitchen"])
    assert "g" not in paths(workspace)
    workspace.restore_labels(["g"])
    assert paths(workspace)["oven"] == ["Garden > Toaster ovens"]
    assert len(workspace.index.events.changes()) == 6
    for _ in range(5):
        workspace.index.undo()
    assert paths(workspace) == start


def test_what_is_not_possible_is_an_error_and_changes_nothing(workspace: Workspace) -> None:
    before = workspace.index.version()
    with pytest.raises(NotFoundError, match="no label 'Toaster' in the index; did you mean"):
        workspace.merge_labels("k1", ["Toaster"])
    with pytest.raises(InputError, match="nothing to change"):
        workspace.rename_label("k1")
    with pytest.raises(InputError, match="Toasters"):
        workspace.rename_label("k1", "Toasters")
    with pytest.raises(InputError, match="split into 1 labels"):
        workspace.split_label("k1", ["Boilers"])
    with pytest.raises(InputError, match="is not retired"):
        workspace.restore_labels(["k1"])
    assert workspace.index.version() == before
