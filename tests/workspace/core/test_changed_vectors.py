"""An embedder whose vectors changed under its name, as a server's may: said, kept, replaced when that is wanted."""

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, word_embedder
from pulled import require_weights

from taxonaut import Workspace
from taxonaut.state.errors import VectorsChangedError
from taxonaut.state.updates import Progress, Update, listening
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace.files.label_files import read_labels

LABELS = "name,path\nWooden trains,Toys > Wooden trains\nBoard games,Games > Board games\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with vectors of 64 numbers."""
    (tmp_path / "labels.csv").write_text(LABELS, "utf-8")
    with Workspace.init(tmp_path / "w", embedder=word_embedder(64)) as made:
        made.import_labels(read_labels(tmp_path / "labels.csv"))
        assert first(made, "wooden train") == "Wooden trains"
    return tmp_path / "w"


def first(workspace: Workspace, text: str) -> str:
    return workspace.classify([text])[0].labels[0].name


def test_it_is_said_with_the_way_out_and_nothing_is_lost(folder: Path) -> None:
    with (
        Workspace.open(folder, embedder=word_embedder(32)) as changed,
        pytest.raises(VectorsChangedError) as raised,
    ):
        changed.classify(["board games"])
    assert str(raised.value) == (
        "'words' gives vectors of 32 numbers, and those stored for it have 64: it is another model now. Embed the "
        "labels again with it: taxonaut models embed --again; until then the stored ones stay"
    )
    before = word_embedder(64)
    with Workspace.open(folder, embedder=before) as opened:
        assert first(opened, "board games") == "Board games"
    assert "Board games" not in before.embedded


def test_embedding_again_replaces_them_with_progress(folder: Path) -> None:
    told: list[Update] = []
    with Workspace.open(folder, embedder=word_embedder(32)) as changed:
        changed.embed_labels(again=True, on_update=told.append)
        assert first(changed, "board games") == "Board games"
        assert changed.wiring.embeddings.models() == {"words": 32}
    assert [update for update in told if isinstance(update, Progress)] == [
        Progress("embedding labels", 0, 4),
        Progress("embedding labels", 4, 4),
    ]


def test_the_stored_ones_stay_until_all_new_ones_are_there(folder: Path) -> None:
    def fail(text: str) -> Any:
        raise ConnectionError("gone")

    with Workspace.open(folder, embedder=FakeEmbedder("words", 32, fail)) as failing:
        with pytest.raises(ConnectionError):
            failing.embed_labels(again=True)
        assert failing.wiring.embeddings.models() == {"words": 64}
    with Workspace.open(folder, embedder=word_embedder(64)) as opened:
        assert first(opened, "board games") == "Board games"


@pytest.mark.local
@pytest.mark.slow
def test_a_change_of_the_settings_to_another_runtime_is_taken_back(tmp_path: Path) -> None:
    """From the default to the GGUF file and back, in taxonaut.toml: what was embedded and found is found again."""
    require_weights()
    require_weights("all-minilm-l6-v2")
    (tmp_path / "labels.csv").write_text(LABELS, "utf-8")
    with Workspace.init(tmp_path / "w") as made:
        made.import_labels(read_labels(tmp_path / "labels.csv"))
    file = tmp_path / "w" / SETTINGS_FILE
    onnx = file.read_text("utf-8")
    gguf = onnx.replace('"encoder/onnx/', '"encoder/').replace('"onnx/', '"gguf/')
    told: list[list[str]] = []
    for settings in (onnx, gguf, onnx):
        file.write_text(settings, "utf-8")
        heard: list[Update] = []
        with Workspace.open(tmp_path / "w") as opened, listening(heard.append):
            opened.embed_labels()
            assert first(opened, "wooden train") == "Wooden trains"
        told.append(
            [each.stage for each in heard if isinstance(each, Progress) and each.done == each.total > 0]
        )
    assert ["embedding labels" in stages for stages in told] == [True, True, False]
    with Workspace.open(tmp_path / "w") as opened:
        assert len(opened.wiring.embeddings.models()) == 2
        assert len(opened.runs.list("classify")) == 2, "the third is the first one's run"
