"""The embedder over ONNX Runtime: order, length, prefixes, names, and what a broken folder is told."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx_folders import FAMILIES, POSITIONS, WIDTH, make_folder, make_tokenizer
from pulled import require_weights

from taxonaut.models import cpu
from taxonaut.models.embedder import Embedder, embed_queries, reads_words
from taxonaut.models.onnx import embedder as module
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings, _pack_batches
from taxonaut.models.onnx.folder import read_folder, write_graphs
from taxonaut.models.onnx.onnx_file import Graph, value
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.errors import InputError, ModelError, ModelNotFoundError

VECTORS = Path(__file__).parents[2] / "fixtures" / "minilm_vectors.npz"
FP32 = OnnxSettings(precision="fp32")
TEXTS = [
    "red apple",
    "",
    "a",
    "boot " * 60,
    "emoji 🚲 and\tcontrol\x00characters",
    "lone \ud800 surrogate",
    "[SEP]",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "tiny")


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_an_embedder(tmp_path: Path, family: str) -> None:
    embedder = OnnxEmbedder(make_folder(tmp_path / "tiny", family), settings=FP32)
    rows = embedder.embed([*TEXTS, TEXTS[0]])
    assert isinstance(embedder, Embedder)
    assert embedder.name.startswith("onnx/tiny-")
    assert (embedder.dimension, rows.shape, rows.dtype) == (WIDTH, (8, WIDTH), np.dtype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[7])
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(rows[:7], alone, atol=1e-5)
    assert embedder.embed([]).shape == (0, WIDTH)
    embedder.close()


def test_long_texts_are_cut_at_the_encoder_s_positions(folder: Path) -> None:
    embedder = OnnxEmbedder(folder, settings=FP32, threads=1)
    rows = embedder.embed(["boot " * 100_000, "boot " * (POSITIONS - 2), "x" * 1_000_000, " " * 1_000_000])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
    short = OnnxEmbedder(folder, settings=replace(FP32, max_tokens=4), threads=1)
    np.testing.assert_allclose(short.embed(["red boot lamp"]), short.embed(["red boot"]), atol=1e-6)
    with pytest.raises(InputError, match="max_tokens is 1; a text needs at least 2"):
        OnnxEmbedder(folder, settings=OnnxSettings(max_tokens=1))


def test_special_tokens_in_a_text_are_text(folder: Path) -> None:
    embedder = OnnxEmbedder(folder, settings=FP32, threads=1)
    tokens = embedder._open()._tokens(["[SEP]"])[0]
    tokenizer = make_tokenizer("bert")
    assert [tokenizer.id_to_token(each) for each in tokens] == ["[CLS]", "[", "s", "##e", "##p", "]", "[SEP]"]


def test_several_threads_may_ask_at_once(folder: Path) -> None:
    embedder = OnnxEmbedder(folder, settings=FP32, threads=2)
    texts = [f"{text} {number}" for number in range(80) for text in TEXTS]
    expected = OnnxEmbedder(folder, settings=FP32, threads=1).embed(texts)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(embedder.embed, [texts] * 4):
            np.testing.assert_allclose(rows, expected, atol=1e-5)
    embedder.close()


def test_batches_hold_texts_of_like_length() -> None:
    assert list(_pack_batches([125, 3, 28, 300, 120, 4])) == [[1, 5, 2], [4, 0], [3]]
    assert [len(group) for group in _pack_batches([2] * 150)] == [64, 64, 22]


def test_prefixes_tell_queries_from_passages(folder: Path) -> None:
    plain = OnnxEmbedder(folder, settings=FP32, threads=1)
    given = replace(FP32, query_prefix="red ", passage_prefix="big ")
    embedder = OnnxEmbedder(folder, settings=given, threads=1)

    np.testing.assert_array_equal(embedder.embed(["boot"]), plain.embed(["big boot"]))
    np.testing.assert_array_equal(embed_queries(embedder, ["boot"]), plain.embed(["red boot"]))
    np.testing.assert_array_equal(embed_queries(plain, ["boot"]), plain.embed(["boot"]))

    prompts = {"prompts": {"query": "red ", "document": "big "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts), "utf-8")
    told = OnnxEmbedder(folder, settings=FP32, threads=1)
    np.testing.assert_array_equal(told.embed(["boot"]), embedder.embed(["boot"]))
    np.testing.assert_array_equal(told.embed_queries(["boot"]), embedder.embed_queries(["boot"]))
    without = OnnxEmbedder(folder, settings=replace(FP32, query_prefix="", passage_prefix=""), threads=1)
    np.testing.assert_array_equal(without.embed_queries(["boot"]), plain.embed(["boot"]))


def test_words_are_read_in_the_pass_of_their_text(folder: Path) -> None:
    embedder = OnnxEmbedder(folder, settings=FP32, threads=2)
    texts = ["red  boot, lamp!", "", "big lamp", "?", "red boot lamp " * 40, "big lamp"]
    read = embedder.embed_in_context(texts)
    assert reads_words(embedder)
    assert [each.words for each in read[:4]] == [("red", "boot", "lamp"), (), ("big", "lamp"), ()]
    assert [each.starts for each in read[:4]] == [(0, 4, 10), (), (0, 4), ()]
    np.testing.assert_allclose(np.stack([each.vector for each in read]), embedder.embed(texts), atol=1e-5)
    for each in read:
        assert each.vectors.shape == (len(each.words), WIDTH)
        assert each.vectors.dtype == np.float16
        np.testing.assert_allclose(np.linalg.norm(each.vectors.astype(np.float32), axis=1), 1, atol=1e-2)
    assert len(read[4].words) == POSITIONS - 2
    assert embedder.embed_in_context([]) == []

    given = replace(FP32, query_prefix="big boot: ", pooling="mean")
    query = OnnxEmbedder(folder, settings=given, threads=1).embed_in_context(["red lamp"], queries=True)[0]
    assert (query.words, query.starts) == (("red", "lamp"), (0, 4))
    np.testing.assert_allclose(query.vector, embedder.embed(["big boot: red lamp"])[0], atol=1e-5)


def test_words_of_other_poolings_are_not_compared(own: Path, folder: Path) -> None:
    assert not OnnxEmbedder(folder, settings=replace(FP32, pooling="cls"), threads=1).reads_words
    write_model(own, outputs=("sentence_embedding",))
    assert not OnnxEmbedder(own, settings=replace(FP32, pooling="mean"), threads=1).reads_words


def test_other_content_or_settings_are_another_name(folder: Path) -> None:
    names = [OnnxEmbedder(folder, settings=FP32).name, OnnxEmbedder(folder, settings=FP32).name]
    names.append(OnnxEmbedder(folder, settings=replace(FP32, pooling="cls")).name)
    names.append(OnnxEmbedder(folder, settings=replace(FP32, query_prefix="query: ")).name)
    names.append(OnnxEmbedder(folder, settings=replace(FP32, max_tokens=8)).name)
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    names.append(OnnxEmbedder(folder, settings=FP32).name)
    assert names[0] == names[1]
    assert len(set(names)) == 5


def test_auto_is_int8_where_the_cpu_is_faster_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for fast in (True, False):
        monkeypatch.setattr(module, "has_fast_int8", lambda fast=fast: fast)
        found.append(OnnxEmbedder(folder).name.endswith("-int8"))
    assert found == [True, False]
    assert isinstance(cpu.has_fast_int8(), bool)


def test_a_written_graph_gives_the_same_vectors(folder: Path) -> None:
    for precision in ("fp32", "int8"):
        settings = OnnxSettings(precision=precision)
        before = OnnxEmbedder(folder, settings=settings, threads=1).embed(TEXTS)
        write_graphs(folder)
        np.testing.assert_array_equal(OnnxEmbedder(folder, settings=settings, threads=1).embed(TEXTS), before)
        (folder / "model.onnx").unlink()
        (folder / "model.int8.onnx").unlink()


def write_model(folder: Path, *, inputs: tuple[str, ...] = ("input_ids",), outputs: tuple[str, ...]) -> None:
    """Write `model.onnx` over a table of eight tokens; an output is named "a text" or "a token"."""
    graph = Graph()
    table = graph.constant("table", np.eye(8, dtype=np.float32) + 0.5)
    rows = graph.node("Gather", table, "input_ids")
    described = []
    for name in outputs:
        if name == "sentence_embedding":
            axis = graph.constant("axis", np.array([1], np.int64))
            graph.node("ReduceMax", rows, axis, keepdims=0, output=name)
        else:
            graph.node("Identity", rows, output=name)
        described.append(
            value(name, "float32", ("batch", 8) if name == "sentence_embedding" else ("batch", "n", 8))
        )
    for name in inputs[1:]:
        graph.node("Identity", name)
    given = [value(name, "int64", ("batch", "n")) for name in inputs]
    (folder / "model.onnx").write_bytes(graph.model("table", given, described))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Make a folder with a tokenizer of five tokens, for a model.onnx."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "red": 1, "boot": 2, "lamp": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_model_with_one_vector_a_text_needs_no_pooling(own: Path) -> None:
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    write_model(own, inputs=inputs, outputs=("token_embeddings", "sentence_embedding"))
    rows = OnnxEmbedder(own, threads=1).embed(["red boot", ""])
    expected = np.array([[0.5, 1.5, 1.5, *[0.5] * 5], [1.5, *[0.5] * 7]], np.float32)
    np.testing.assert_allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_pooling_that_is_set_is_taken_before_the_model_s_own(own: Path) -> None:
    write_model(own, outputs=("token_embeddings", "sentence_embedding"))
    rows = OnnxEmbedder(own, settings=OnnxSettings(pooling="last"), threads=1).embed(["red boot", "boot"])
    np.testing.assert_array_equal(rows[0], rows[1])


def test_a_folder_that_does_not_say_how_to_pool_says_how_to_say_it(own: Path) -> None:
    write_model(own, outputs=("last_hidden_state",))
    with pytest.raises(ModelError, match=r'set pooling to "mean", "cls" or "last" under \[embeddings\]'):
        OnnxEmbedder(own).embed(["red"])
    assert OnnxEmbedder(own, settings=OnnxSettings(pooling="mean")).embed(["red"]).shape == (1, 8)


def test_an_input_that_is_not_known(own: Path) -> None:
    write_model(own, inputs=("input_ids", "pixel_values"), outputs=("sentence_embedding",))
    with pytest.raises(
        ModelError, match="asks for the input 'pixel_values'; allowed are input_ids, attention_mask"
    ):
        OnnxEmbedder(own).embed(["red"])


def test_int8_of_a_model_alone_says_what_is_needed(own: Path) -> None:
    write_model(own, outputs=("sentence_embedding",))
    assert not OnnxEmbedder(own).name.endswith("-int8")
    with pytest.raises(
        InputError, match=r"precision is 'int8', but .* has only model\.onnx: remove the setting"
    ):
        OnnxEmbedder(own, settings=OnnxSettings(precision="int8"))


def _cut_graph(folder: Path) -> None:
    write_graphs(folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-200])


def _other_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 5_000}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def _write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text, "utf-8") and None


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("break_it", "error", "told"),
    [
        (
            _cut_graph,
            ModelError,
            r"ONNX Runtime cannot open '.*model\.onnx' \(.*; copy or export the model again",
        ),
        (_write("model.onnx", "no model"), ModelError, r"ONNX Runtime cannot open '.*model\.onnx'"),
        (
            _write("tokenizer.json", "{}"),
            ModelError,
            "is no tokenizer that can be read .*; copy the model again",
        ),
        (_other_tokenizer, ModelError, r"check that its tokenizer\.json is the model's own"),
        (
            _remove("tokenizer.json"),
            ModelNotFoundError,
            r"has no tokenizer\.json; save the tokenizer there with",
        ),
        (_remove("model.safetensors"), ModelNotFoundError, r"has neither model\.onnx nor config\.json with"),
        (
            _write("config.json", "[1]"),
            ModelError,
            r"'.*config\.json' cannot be read .*; copy the model again",
        ),
        (_write("modules.json", "{"), ModelError, r"'.*modules\.json' cannot be read"),
        (
            _write("modules.json", '[{"type": "sentence_transformers.models.Dense", "path": "2"}]'),
            ModelError,
            "names the module 'Dense'; allowed are Transformer, Pooling and Normalize: give another model",
        ),
        (
            _write("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}'),
            ModelError,
            "pools by max_tokens; allowed is one of mean_tokens, cls_token, lasttoken",
        ),
        (
            _write(
                "1_Pooling/config.json", '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}'
            ),
            ModelError,
            "pools by cls_token and mean_tokens; allowed is one of",
        ),
    ],
)
def test_a_broken_folder_is_told_with_the_way_out(
    folder: Path, break_it: Callable[[Path], None], error: type[Exception], told: str
) -> None:
    break_it(folder)
    with pytest.raises(error, match=told):
        OnnxEmbedder(folder, settings=FP32, threads=1).embed(["red"])


def test_the_way_sentence_transformers_writes_now_is_read(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}', "utf-8")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', "utf-8")
    found = read_folder(folder)
    assert (found.pooling, found.max_tokens, found.pad) == ("cls", 12, 0)


def test_the_model_may_lie_in_a_folder_of_its_own(folder: Path) -> None:
    expected = OnnxEmbedder(folder, settings=FP32, threads=1).embed(TEXTS)
    (folder / "0_Transformer").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.move(folder / name, folder / "0_Transformer" / name)
    listed = [
        {"type": "models.Transformer", "path": "0_Transformer"},
        {"type": "models.Pooling", "path": "1_Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(listed), "utf-8")
    np.testing.assert_array_equal(OnnxEmbedder(folder, settings=FP32, threads=1).embed(TEXTS), expected)


def test_vectors_that_are_not_finite_are_refused(own: Path) -> None:
    graph = Graph()
    table = graph.constant("table", np.full((8, 8), np.nan, np.float32))
    graph.node("Gather", table, "input_ids", output="last_hidden_state")
    given, gives = (
        value("input_ids", "int64", ("a", "b")),
        value("last_hidden_state", "float32", ("a", "b", 8)),
    )
    (own / "model.onnx").write_bytes(graph.model("nan", [given], [gives]))
    with pytest.raises(ModelError, match="a number that is not finite; copy the model again"):
        OnnxEmbedder(own, settings=OnnxSettings(pooling="cls")).embed(["red"])


def test_weights_that_are_not_here(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="get them with: taxonaut models pull onnx/all-minilm-l6-v2"):
        OnnxEmbedder(catalog=ModelCatalog(tmp_path))
    with pytest.raises(
        ModelNotFoundError, match=r"no folder 'nowhere'; give the path of a folder with model\.onnx"
    ):
        OnnxEmbedder("nowhere", catalog=ModelCatalog(tmp_path))


def test_a_closed_embedder_says_so(folder: Path) -> None:
    embedder = OnnxEmbedder(folder)
    embedder.embed(["a"])
    embedder.close()
    with pytest.raises(ModelError, match="was closed; open it again"):
        embedder.embed(["a"])


@pytest.mark.slow
def test_the_interpreter_exits_quietly_with_a_model_open(folder: Path) -> None:
    code = (
        "from taxonaut.models.onnx.embedder import OnnxEmbedder\n"
        f"OnnxEmbedder({str(folder)!r}, threads=2).embed([str(n) for n in range(200)])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


@pytest.mark.local
@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.99999), ("int8", 0.97)])
def test_minilm_gives_the_vectors_of_sentence_transformers(precision: str, least: float) -> None:
    """The vectors were computed by sentence-transformers 6.2.0 from the packaged folder."""
    require_weights()
    kept = np.load(VECTORS)
    embedder = OnnxEmbedder(settings=OnnxSettings(precision=precision))  # type: ignore[arg-type]
    assert embedder.name == "onnx/all-minilm-l6-v2" + ("-int8" if precision == "int8" else "")
    found = embedder.embed(kept["texts"].tolist())
    np.testing.assert_array_less(least, np.sum(found * kept["vectors"], axis=1))
