"""A workspace on encoders of ONNX Runtime: labels found, vectors kept per encoder, a change taken back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_folders import WIDTH, make_folder

from taxonaut import Workspace
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.state.errors import InputError
from taxonaut.state.updates import Progress, UnknownLanguage, Update, listening
from taxonaut.workspace.files.label_files import read_labels

pytestmark = pytest.mark.slow

E5 = {"query_prefix": "query: ", "passage_prefix": "query: "}
NAMES = ("red boot", "old lamp", "big candle", "new shoe", "pear", "plum")


def settings(folder: Path, **encoder: Any) -> dict[str, Any]:
    """Put the encoder of a folder under [embeddings] and behind both roles of a walk."""
    chooser = {"model": f"encoder/onnx/{folder}", **encoder}
    return {
        "embeddings": {"model": f"onnx/{folder}", **encoder},
        "models": {"navigator": chooser, "general_expert": chooser},
    }


def classify(workspace: Path, encoder: dict[str, Any], texts: list[str]) -> tuple[list[str], list[Progress]]:
    """Return the best label of each text, and what was told."""
    told: list[Update] = []
    with listening(told.append), Workspace.open(workspace, **encoder) as opened:
        opened.embed_labels()
        if opened.index.tree_method() == "empty":
            opened.build_index("kmeans")
        found = [result.labels[0].name for result in opened.classify(texts)]
    return found, [
        update for update in told if isinstance(update, Progress) and update.done == update.total > 0
    ]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("\n".join(NAMES), "utf-8")
    with Workspace.init(tmp_path / "w") as made:
        made.import_labels(read_labels(tmp_path / "labels.txt"))
    return tmp_path / "w"


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "mpnet"])
def test_labels_are_found_with_any_family(tmp_path: Path, workspace: Path, family: str) -> None:
    encoder = settings(make_folder(tmp_path / family, family), precision="fp32")
    assert classify(workspace, encoder, list(NAMES))[0] == list(NAMES)


def test_prefixes_reach_items_and_labels(tmp_path: Path, workspace: Path) -> None:
    """A query prefix that turns an item's text into another label's finds that label."""
    folder = make_folder(tmp_path / "tiny")
    encoder = settings(folder, precision="fp32", query_prefix="old ")
    scoring = {"scoring": {"mix": 0.0}}
    assert classify(workspace, {**encoder, **scoring}, ["lamp"])[0] == ["old lamp"]


def test_an_embedder_as_a_role_s_model_is_told_how_to_be_one(tmp_path: Path, workspace: Path) -> None:
    given = settings(make_folder(tmp_path / "tiny"), precision="fp32")
    given["models"]["navigator"] = {"model": given["embeddings"]["model"]}
    with pytest.raises(InputError, match=r"is an embedder and answers no requests; .* as encoder/onnx/"):
        classify(workspace, given, ["red boot"])


def test_each_encoder_keeps_its_vectors(tmp_path: Path, workspace: Path) -> None:
    first = settings(make_folder(tmp_path / "first"), precision="fp32")
    second = settings(make_folder(tmp_path / "second", "mpnet"), precision="fp32")
    texts = ["red boot", "plum"]

    told = [
        classify(workspace, encoder, [*texts, str(turn)])[1]
        for turn, encoder in enumerate((first, second, first))
    ]

    embedded = ["embedding labels" in [update.stage for update in each] for each in told]
    assert embedded == [True, True, False]
    with Workspace.open(workspace) as opened:
        assert sorted(opened.wiring.embeddings.models().values()) == [WIDTH, WIDTH]


def test_labels_of_other_languages_with_an_encoder_shaped_like_multilingual_e5(tmp_path: Path) -> None:
    """Chinese and German labels are found by their own names, with the prefix that E5 has for texts of one kind."""
    names = ["热水壶", "冰箱", "Wasserkocher", "Rasenmäher", "red boot", "new shoe"]
    (tmp_path / "labels.txt").write_text("\n".join(names), "utf-8")
    folder = make_folder(tmp_path / "multilingual", "xlm-roberta", words=["query:", *names])
    encoder = settings(folder, precision="fp32", **E5)
    told: list[Update] = []
    with Workspace.init(tmp_path / "w", **encoder) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.txt"))
        found = workspace.classify(names, on_update=told.append, shortlist="dense")
        with_prefix = workspace.wiring.embedder_for(workspace.config.embeddings).embed(["冰箱"])
    assert [result.labels[0].name for result in found] == names
    without = OnnxEmbedder(folder, settings=OnnxSettings(precision="fp32")).embed(["冰箱", "query: 冰箱"])
    np.testing.assert_allclose(with_prefix[0], without[1], atol=1e-5)
    assert float(without[0] @ without[1]) < 0.99
    assert [each for each in told if isinstance(each, UnknownLanguage)] == []
