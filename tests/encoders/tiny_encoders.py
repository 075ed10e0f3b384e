"""Transformer encoders of two layers with random weights, as folders in Hugging Face's layout."""

import string
from pathlib import Path

import pytest

WORDS = (
    "apple",
    "pear",
    "plum",
    "boot",
    "shoe",
    "sandal",
    "lamp",
    "bulb",
    "candle",
    "red",
    "big",
    "old",
    "new",
)
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.3,
}


def make_bert(folder: Path) -> Path:
    """Write a BERT with a WordPiece tokenizer of a few words and all letters."""
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertModel, BertTokenizer

    from taxonaut.models.expert.transformer import silence_transformers

    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokens += [*letters, *(f"##{letter}" for letter in letters)]
    with silence_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(vocab_size=len(tokens), max_position_embeddings=40, **SHAPE)
        BertModel(config).save_pretrained(folder)
        BertTokenizer(vocab={token: place for place, token in enumerate(tokens)}).save_pretrained(folder)
    return folder


def make_xlmr(folder: Path) -> Path:
    """Write an XLM-R with a Unigram tokenizer of the same words; its positions begin at 2."""
    torch = pytest.importorskip("torch")
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizer

    from taxonaut.models.expert.transformer import silence_transformers

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -3.0)]
    pieces += [(f"\u2581{word}", -2.0) for word in WORDS]
    pieces += [(letter, -4.0) for letter in string.ascii_letters]
    pieces += [("<mask>", 0.0)]
    shape = {"max_position_embeddings": 42, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    with silence_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        config = XLMRobertaConfig(vocab_size=len(pieces), type_vocab_size=1, **shape, **SHAPE)
        XLMRobertaModel(config).save_pretrained(folder)
        XLMRobertaTokenizer(vocab=pieces).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def tiny_xlmr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xlmr(tmp_path_factory.mktemp("xlmr"))
