"""A learned version in use: every score of the workspace is by it, until it is undone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeEmbedder, word_embedder

from taxonaut.models.adapt.adapter import Adapter, AdapterLearner, AdapterSettings
from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.adapt.neighbour_votes import ExemplarLearner
from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.core.learned_versions import LearnedCard, VersionStore
from taxonaut.workspace.workspace import Workspace

TEXT = "tempered glass for phones"


def learn(workspace: Workspace, *examples: tuple[str, str]) -> LearnedCard:
    """Save a version with both learners, and use it."""
    embedder = workspace.wiring.frozen
    given = [LabelledText(ItemId(text), text, (LabelId(label),)) for text, label in examples]
    material = TrainingMaterial(given, workspace.wiring.label_options())
    learners = (
        AdapterLearner(embedder.embedder.name, embedder.lookup, AdapterSettings(passes=2)),
        ExemplarLearner(),
    )
    versions = VersionStore(workspace.folder)

    def write(folder: Path) -> None:
        for learner in learners:
            learner.learn(material, folder)

    card = LearnedCard(
        embedder.embedder.name, {each.name: {} for each in learners}, {"exemplars": (1.0, 1.0)}
    )
    card = versions.save(card, write)
    versions.use(card.number, "test")
    return card


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "shop"
    with Workspace.init(place, embedder=word_embedder()) as workspace:
        names = ("glass", "screen protectors", "hiking boots", "red apples")
        workspace.index.add_labels([Label(LabelId(name[0]), name) for name in names])
        workspace.build_index()
        workspace.classify([TEXT])
    return place


def opened(folder: Path, embedder: FakeEmbedder | None = None) -> Any:
    return Workspace.open(folder, embedder=embedder or word_embedder())


def first(workspace: Workspace, **walk: Any) -> str:
    return str(workspace.classify([TEXT], **walk)[0].labels[0].label_id)


def test_walk_and_retrieval_are_by_what_was_learned_until_it_is_undone(folder: Path) -> None:
    with opened(folder) as workspace:
        before = first(workspace)
        assert before == "g"
        learn(workspace, (TEXT, "s"), ("tempered glass film", "s"), ("leather boots", "h"))
        assert first(workspace) == before
    with opened(folder) as workspace:
        assert [first(workspace, shortlist=how) for how in ("both", "tree", "dense")] == ["s"] * 3
        assert workspace.learned_identity == {"learned": 1}
        VersionStore(folder).undo()
    with opened(folder) as workspace:
        assert first(workspace) == before
        assert workspace.learned_identity == {}


def test_labels_may_come_and_go(folder: Path) -> None:
    with opened(folder) as workspace:
        learn(workspace, (TEXT, "s"), ("leather boots", "h"))
    with opened(folder) as workspace:
        workspace.add_labels([Label(LabelId("n"), "phones")])
        workspace.index.merge_labels(LabelId("g"), [LabelId("s")])
        assert first(workspace, shortlist="dense") == "g"


def test_another_embedder_is_named_with_the_way_out(folder: Path) -> None:
    with opened(folder) as workspace:
        learn(workspace, (TEXT, "s"), ("leather boots", "h"))
    with (
        opened(folder, word_embedder(name="other")) as workspace,
        pytest.raises(WorkspaceError, match=r"the embedder 'words', but the workspace's is 'other'.*undo"),
    ):
        workspace.classify([TEXT])


def test_a_damaged_file_is_named_with_the_way_out(folder: Path) -> None:
    with opened(folder) as workspace:
        learn(workspace, (TEXT, "s"), ("leather boots", "h"))
    (folder / "learned" / "1" / "adapter.npz").write_bytes(b"PK")
    with (
        opened(folder) as workspace,
        pytest.raises(WorkspaceError, match=r"adapter\.npz' cannot be read.*undo"),
    ):
        workspace.classify([TEXT])


def test_the_log_is_kept_and_undone_step_by_step(tmp_path: Path) -> None:
    versions = VersionStore(tmp_path)
    assert (versions.numbers(), versions.log(), versions.in_use()) == ([], [], None)
    with pytest.raises(InputError, match="nothing to undo"):
        versions.undo()
    for _ in range(2):
        card = versions.save(LearnedCard("words"), lambda _: None)
        versions.use(card.number, "adopted")
    assert [versions.undo().number, versions.undo().number] == [1, 0]
    with pytest.raises(InputError, match="nothing to undo"):
        versions.undo()
    versions.use(2, "by hand")
    assert versions.undo().number == 0
    assert [each.number for each in versions.log()] == [1, 2, 1, 0, 2, 0]
    with pytest.raises(NotFoundError, match="there is no learned version 7; there are: 1, 2"):
        versions.use(7, "")
    (tmp_path / "learned" / "2" / "card.json").write_text(json.dumps({"embedder": 1}))
    with pytest.raises(WorkspaceError, match=r"card\.json' cannot be read"):
        versions.card(2)


def test_adapters_of_equal_values_have_one_name() -> None:
    one = Adapter("words", np.ones((2, 1), np.float32), np.ones((1, 2), np.float32))
    assert one.stamp != Adapter("words", np.ones((2, 1), np.float32), np.zeros((1, 2), np.float32)).stamp
