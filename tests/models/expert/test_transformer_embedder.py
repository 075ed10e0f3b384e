"""The embedder over PyTorch: unit vectors in order, named by content; folders that hold no encoder."""

import builtins
import shutil
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.transformer import TransformerEmbedder, batch_by_length
from taxonaut.state.errors import InputError, MissingExtraError

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

TEXTS = ["red apple", "", "old shoe", "red apple", "candle " * 500, "数据库 🚲 [SEP]"]


def test_vectors_come_in_order_and_do_not_depend_on_their_batch(tiny_bert: Path) -> None:
    embedder = TransformerEmbedder(tiny_bert)

    vectors = embedder.embed(TEXTS)

    assert isinstance(embedder, Embedder)
    assert (vectors.shape, vectors.dtype, embedder.dimension) == ((6, 32), np.float32, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[3])
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert embedder.embed([]).shape == (0, 32)


def test_a_control_token_that_a_text_spells_is_only_letters(tiny_bert: Path) -> None:
    embedder = TransformerEmbedder(tiny_bert)

    spelt, letters = embedder.embed(["apple [SEP] shoe", "apple [ sep ] shoe"])

    np.testing.assert_allclose(spelt, letters, atol=1e-5)


def test_several_threads_may_ask_at_once(tiny_bert: Path) -> None:
    embedder = TransformerEmbedder(tiny_bert)
    expected = embedder.embed(TEXTS)

    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embedder.embed, [TEXTS] * 8):
            np.testing.assert_array_equal(vectors, expected)
    embedder.close()
    np.testing.assert_array_equal(embedder.embed(TEXTS), expected)


def test_nothing_is_asked_of_the_network(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, lambda *a, **_: asked.append(a))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **_: asked.append(a))

    TransformerEmbedder(tiny_bert).embed(["apple"])

    assert asked == []


def test_its_name_is_its_content(tiny_bert: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    name = TransformerEmbedder(tiny_bert).name

    assert TransformerEmbedder(copy).name == name
    assert TransformerEmbedder(copy, max_tokens=16).name != name
    (copy / "notes.txt").write_text("of no account")
    assert TransformerEmbedder(copy).name == name
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert TransformerEmbedder(copy).name != name


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (["config.json"], "config.json missing"),
        (["tokenizer.json"], "a tokenizer (tokenizer.json) missing"),
        (
            ["tokenizer.json", "model.safetensors"],
            "a tokenizer (tokenizer.json) and weights as safetensors (model.safetensors) missing",
        ),
    ],
)
def test_a_folder_that_lacks_something(
    tiny_bert: Path, tmp_path: Path, without: list[str], said: str
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    for name in without:
        (folder / name).unlink()

    with pytest.raises(InputError) as raised:
        TransformerEmbedder(folder)

    assert str(raised.value) == f"{str(folder)!r} is not a transformer encoder: {said}; give another folder"


def test_no_folder_and_no_name_of_a_hub(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder 'xlm-roberta-base'; .* nothing is downloaded"):
        TransformerEmbedder(Path("xlm-roberta-base"))


def test_pickled_weights_are_not_read(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    with pytest.raises(InputError, match="pickled weights are not read, save them as safetensors"):
        TransformerEmbedder(folder)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("model.safetensors", b"not tensors", "cannot be opened as a transformer"),
        ("tokenizer.json", b"{}", "cannot be opened as a transformer"),
        (
            "config.json",
            b'{"hidden_size": 32, "model_type": "none-such"}',
            "cannot be opened as a transformer",
        ),
        ("config.json", b'{"hidden_size": 32, "auto_map": {"AutoModel": "code.Model"}}', "cannot be opened"),
    ],
)
def test_files_that_cannot_be_read(
    tiny_bert: Path, tmp_path: Path, file: str, content: bytes, said: str
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    (folder / file).write_bytes(content)
    (folder / "code.py").write_text("raise SystemExit('code of a folder was run')")

    with pytest.raises(InputError, match=said):
        TransformerEmbedder(folder).embed(["apple"])


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"hidden_size": "32"}'])
def test_a_config_that_says_nothing(tiny_bert: Path, tmp_path: Path, content: bytes) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    (folder / "config.json").write_bytes(content)

    with pytest.raises(InputError, match=r"config\.json.*give another folder"):
        TransformerEmbedder(folder)


def test_weights_that_are_not_all_there(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    with pytest.raises(InputError, match=r"the weights lack 'encoder\.layer\.1\.output\.dense\.weight'"):
        TransformerEmbedder(folder).embed(["apple"])


def test_without_the_extra(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if name.partition(".")[0] == "transformers":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return whole(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(MissingExtraError, match=r"transformers is not installed; .*'taxonaut\[train\]'"):
        TransformerEmbedder(tiny_bert).embed(["apple"])


def test_batches_hold_texts_alike_in_length() -> None:
    assert list(batch_by_length([5, 1, 9, 2, 2], most=2, tokens=10)) == [[1, 3], [4, 0], [2]]
    assert list(batch_by_length([30], most=2, tokens=10)) == [[0]]
    assert list(batch_by_length([], most=2, tokens=10)) == []
