"""Read what a folder says of its encoder: graph, pooling, prefixes, length; write the graphs of a folder.

A folder has `tokenizer.json` and either `model.onnx` or the `config.json` and `model.safetensors` of an encoder that
`encoder_graph` knows. How token vectors become one vector is told by the files of sentence-transformers
(`modules.json`, `1_Pooling/config.json`), or by the settings of the embedder, which win.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from taxonaut.models.onnx.encoder_graph import Weights, read_shape, write_graph
from taxonaut.models.onnx.safetensors import read_header
from taxonaut.state.errors import ModelError, ModelNotFoundError

CONFIG, SAFETENSORS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
GRAPH_FILES: Mapping[Weights, str] = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
"""The file of the graph by the precision of its matrices."""

MAX_TOKENS = 512
"""Most tokens of a text where the folder names more or none: memory grows with their square."""

Pooling = Literal["mean", "cls", "last"]
"""Which token vectors make a text's vector: the mean of all, the first, the last."""

_MODES: Mapping[str, Pooling] = {"mean_tokens": "mean", "cls_token": "cls", "lasttoken": "last"}
_NAMES: Mapping[str, Pooling] = {"mean": "mean", "cls": "cls", "lasttoken": "last", "last": "last"}
_QUERY_PROMPTS = ("query",)
_PASSAGE_PROMPTS = ("passage", "document", "corpus")


@dataclass(frozen=True, slots=True)
class EncoderFolder:
    """What the files of a folder say. `files` holds the model's own files, usually `folder` itself.

    `pooling` is None where nothing is said; `max_tokens` is at most the encoder's positions. `pad` is the id of the
    padding token.
    """

    files: Path
    pooling: Pooling | None
    query_prefix: str
    passage_prefix: str
    max_tokens: int
    pad: int
    config: Mapping[str, Any]

    def has_graph(self, weights: Weights) -> bool:
        """Return whether the file of the graph is there."""
        return (self.files / GRAPH_FILES[weights]).is_file()

    @property
    def has_safetensors(self) -> bool:
        """Return whether a graph can be written."""
        return bool(self.config) and (self.files / SAFETENSORS).is_file()

    def graph(self, weights: Weights) -> bytes:
        """Write the graph of its safetensors. Raises ModelError, with the reason, where that cannot be done."""
        try:
            return write_graph(read_shape(self.config), read_header(self.files / SAFETENSORS), weights)
        except (ModelError, OSError) as error:
            raise ModelError(f"no ONNX graph can be written for {str(self.files)!r}: {error}") from error


def read_folder(folder: Path) -> EncoderFolder:
    """Read a folder's settings. Raises ModelNotFoundError for missing files, ModelError for unreadable ones."""
    modules = _modules(folder)
    files = folder / modules["Transformer"] if "Transformer" in modules else folder
    config = _read_json(files / CONFIG)
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    found = EncoderFolder(
        files=files,
        pooling=_read_pooling(folder / modules.get("Pooling", "1_Pooling") / CONFIG),
        query_prefix=_prompt(prompts, _QUERY_PROMPTS),
        passage_prefix=_prompt(prompts, _PASSAGE_PROMPTS),
        max_tokens=_max_tokens(files, config),
        pad=_number(config.get("pad_token_id"), 0),
        config=config,
    )
    if not (files / TOKENIZER).is_file():
        raise ModelNotFoundError(
            f"{str(files)!r} has no {TOKENIZER}; save the tokenizer there with "
            "AutoTokenizer.from_pretrained(…).save_pretrained(…), or give another folder"
        )
    if not found.has_graph("fp32") and not found.has_safetensors:
        raise ModelNotFoundError(
            f"{str(files)!r} has neither {GRAPH_FILES['fp32']} nor {CONFIG} with {SAFETENSORS}; "
            "copy the whole folder, or give another one"
        )
    return found


def write_graphs(folder: Path) -> None:
    """Write `model.onnx` and `model.int8.onnx` next to the safetensors of a folder."""
    found = read_folder(folder)
    for weights, name in GRAPH_FILES.items():
        (found.files / name).write_bytes(found.graph(weights))


def _modules(folder: Path) -> dict[str, str]:
    """Return the folders of sentence-transformers' modules by their class. ModelError for an unknown class."""
    path = folder / "modules.json"
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = {str(row["type"]).rpartition(".")[2]: str(row["path"]) for row in rows}
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _unreadable(path, error) from error
    unknown = sorted(set(found) - {"Transformer", "Pooling", "Normalize"})
    if unknown:
        raise ModelError(
            f"{str(path)!r} names the module {unknown[0]!r}; allowed are Transformer, Pooling and Normalize: "
            "give another model"
        )
    return found


def _read_pooling(path: Path) -> Pooling | None:
    config = _read_json(path)
    if not config:
        return None
    modes = [
        name.removeprefix("pooling_mode_") for name, on in config.items() if _is_mode(name) and on is True
    ]
    known = [_MODES.get(mode) for mode in modes]
    if isinstance(mode := config.get("pooling_mode"), str):
        known = [_NAMES.get(mode)]
    if len(known) != 1 or known[0] is None:
        given = mode if isinstance(mode, str) else " and ".join(modes) or "none"
        raise ModelError(
            f"{str(path)!r} pools by {given}; allowed is one of mean_tokens, cls_token, lasttoken: "
            "give another model, or set pooling under [embeddings]"
        )
    return known[0]


def _is_mode(name: str) -> bool:
    return name.startswith("pooling_mode_")


def _prompt(prompts: object, names: tuple[str, ...]) -> str:
    given = prompts if isinstance(prompts, dict) else {}
    return next((str(given[name]) for name in names if given.get(name)), "")


def _max_tokens(files: Path, config: Mapping[str, Any]) -> int:
    said = _read_json(files / "sentence_bert_config.json").get("max_seq_length")
    positions = _number(config.get("max_position_embeddings"), MAX_TOKENS)
    if config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= _number(config.get("pad_token_id"), 1) + 1
    return max(2, min(_number(said, MAX_TOKENS), positions, MAX_TOKENS))


def _number(given: object, otherwise: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) else otherwise


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if there is no file. Raises ModelError for what is no object."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(found, dict):
        raise _unreadable(path, ValueError("it is no JSON object"))
    return cast("dict[str, Any]", found)


def _unreadable(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{str(path)!r} cannot be read ({error}); copy the model again")
