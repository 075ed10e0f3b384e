"""Open a transformer encoder from a local folder, without downloads and without running its code."""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.onnx.folder import CONFIG
from taxonaut.state.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor


EXTRA = "train"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)
_NOT_TRAINED = "pooler."
_CHARACTERS_A_TOKEN = 16


def read_config(folder: Path) -> dict[str, Any]:
    """Read `config.json`. Raises InputError where it is no JSON object."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{str(folder / CONFIG)!r} cannot be read ({error}); give another folder") from error
    if not isinstance(config, dict):
        raise InputError(f"{str(folder / CONFIG)!r} holds no JSON object; give another folder")
    return config


@dataclass(frozen=True, slots=True)
class OpenTransformer:
    """A model and its tokenizer from the `transformers` library."""

    model: Any
    tokenizer: Any
    positions: int

    def token_ids(self, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
        """Tokenize with the model's start and end tokens, at most `max_tokens` tokens.

        The characters are cut first, so that a million are not tokenized.
        """
        room = max_tokens * _CHARACTERS_A_TOKEN
        short = [" ".join(text[: 8 * room].split())[:room] for text in texts]
        limit = min(max_tokens, self.positions)
        found: list[list[int]] = self.tokenizer(
            short, truncation=True, max_length=limit, split_special_tokens=True
        )["input_ids"]
        return [row or [self.tokenizer.pad_token_id] for row in found]

    def unit_vectors(self, ids: Sequence[Sequence[int]]) -> "Tensor":
        """Run a batch with mean pooling: shape (len(ids), width), unit rows."""
        import torch

        longest = max(map(len, ids))
        device = next(self.model.parameters()).device
        padded = [[*row, *[self.tokenizer.pad_token_id] * (longest - len(row))] for row in ids]
        lengths = torch.tensor([len(row) for row in ids], device=device)
        mask = torch.arange(longest, device=device) < lengths[:, None]
        tokens = torch.tensor(padded, device=device)
        states: Tensor = self.model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        summed = (states.float() * mask[:, :, None]).sum(dim=1)
        return torch.nn.functional.normalize(summed, dim=1)


def open_transformer(folder: Path) -> OpenTransformer:
    """Open the encoder of a folder in Hugging Face's layout, in float32 on the CPU.

    Needs `config.json`, a tokenizer and weights as safetensors; pickled weights are not read, because they can run
    code. Raises InputError for a folder that lacks one of them or has an unsuitable architecture, MissingExtraError
    without the extra `train`.
    """
    check_folder(folder)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", EXTRA) from error
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with silence_transformers():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
            model, loading_info = transformers.AutoModel.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **local
            )
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"{str(folder)!r} cannot be opened as a transformer ({reason}); give a folder that "
                "transformers can load without running its code"
            ) from error
    _check_model(folder, model, tokenizer, loading_info)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    model.eval()
    return OpenTransformer(model, tokenizer, _positions(model.config))


def check_folder(folder: Path) -> None:
    """Raise InputError, naming what is missing, unless the folder has the files of a transformer."""
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {str(folder)!r}; give a local folder with a transformer encoder "
            f"({CONFIG}, tokenizer.json, model.safetensors): nothing is downloaded"
        )
    wanted = {
        CONFIG: [CONFIG],
        "a tokenizer (tokenizer.json)": _TOKENIZERS,
        "weights as safetensors (model.safetensors)": _WEIGHTS,
    }
    missing = [what for what, names in wanted.items() if not any((folder / name).is_file() for name in names)]
    if missing:
        pickled = (folder / "pytorch_model.bin").is_file()
        raise InputError(
            f"{str(folder)!r} is not a transformer encoder: {' and '.join(missing)} missing; "
            + ("pickled weights are not read, save them as safetensors" if pickled else "give another folder")
        )


def fingerprint(folder: Path) -> str:
    """Return 12 hexadecimal digits of a SHA-256 over the config, tokenizer and weights of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name == CONFIG or path.name in _TOKENIZERS or path.suffix == ".safetensors":
            with path.open("rb") as file:
                digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def batch_by_length(lengths: Sequence[int], most: int, tokens: int) -> Iterator[list[int]]:
    """Yield batches of indices of similar length: at most `most` texts, or `tokens` tokens with padding."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (len(group) == most or (len(group) + 1) * lengths[place] > tokens):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Silence the progress bars and load reports of the `transformers` library."""
    import transformers

    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _check_model(folder: Path, model: Any, tokenizer: Any, loading_info: dict[str, Any]) -> None:
    missing = sorted(key for key in loading_info["missing_keys"] if not key.startswith(_NOT_TRAINED))
    fault = ""
    if model.config.is_encoder_decoder:
        fault = f"its architecture {model.config.model_type!r} also has a decoder"
    elif missing:
        fault = f"the weights lack {missing[0]!r} and {len(missing) - 1} more"
    elif len(tokenizer) > model.get_input_embeddings().num_embeddings:
        fault = f"the tokenizer has {len(tokenizer)} tokens, the weights fewer"
    elif tokenizer.pad_token_id is None:
        fault = "its tokenizer has no padding token"
    if fault:
        raise InputError(f"{str(folder)!r} is not a transformer encoder: {fault}; give another folder")


def _positions(config: Any) -> int:
    """Return the maximum tokens of a text; RoBERTa-like models count positions after that of the padding."""
    most = int(getattr(config, "max_position_embeddings", None) or 512)
    shifted = config.model_type in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "mpnet")
    return most - int(config.pad_token_id or 0) - 1 if shifted else most


_WIDTHS = ("hidden_size", "dim", "d_model")
_TEXTS_AT_ONCE, _TOKENS_AT_ONCE = 64, 4096


class TransformerEmbedder:
    """An embedder by mean pooling of a transformer. Thread-safe; calls are serialized.

    For encoders that llama.cpp cannot run; it computes in float32, on the GPU if there is one. Texts are cut after
    `max_tokens` tokens, which should be as in training. Raises InputError for a folder without an encoder;
    MissingExtraError, without the extra `train`, when the first text is embedded.
    """

    def __init__(self, folder: Path, *, max_tokens: int = 128) -> None:
        check_folder(folder)
        config = read_config(folder)
        width = next((config[key] for key in _WIDTHS if key in config), None)
        if not isinstance(width, int) or width < 1:
            raise InputError(f"the config.json of {str(folder)!r} gives no hidden_size; give another folder")
        self._folder, self._max_tokens, self._width = folder, max_tokens, width
        self.name = f"transformer/{fingerprint(folder)}-{max_tokens}"
        self._opened: OpenTransformer | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return self._width

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in order: float32, shape (len(texts), dimension), unit rows.

        Equal texts are computed once.
        """
        distinct = list(dict.fromkeys(texts))
        rows = np.empty((len(distinct), self._width), np.float32)
        if distinct:
            with self._lock:
                self._embed_into(rows, distinct)
        if len(distinct) == len(texts):
            return rows
        place = {text: row for row, text in enumerate(distinct)}
        return rows[[place[text] for text in texts]]

    def close(self) -> None:
        """Free the model; it is opened again when needed."""
        with self._lock:
            self._opened = None

    def _embed_into(self, rows: Matrix, texts: Sequence[str]) -> None:
        if self._opened is None:
            self._opened = open_transformer(self._folder)
            import torch

            self._opened.model.to("cuda" if torch.cuda.is_available() else "cpu")
        import torch

        ids = self._opened.token_ids(texts, self._max_tokens)
        with torch.inference_mode():
            for places in batch_by_length([len(row) for row in ids], _TEXTS_AT_ONCE, _TOKENS_AT_ONCE):
                vectors = self._opened.unit_vectors([ids[place] for place in places])
                rows[places] = vectors.cpu().numpy()
