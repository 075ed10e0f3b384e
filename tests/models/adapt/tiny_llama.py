"""A llama of two layers with random weights, as a GGUF file: small enough to train in a test."""

from pathlib import Path

import numpy as np

from taxonaut.models.gguf.convert import write_gguf

WIDTH, HEADS, KEYS, INNER, LAYERS = 64, 4, 2, 128, 2
HEAD = WIDTH // HEADS
SPECIAL = ["<|im_start|>", "<|im_end|>", "ab"]


def byte_tokens() -> list[str]:
    """Return the characters by which GPT-2's tokenizer writes bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def write_tiny_llama(path: Path, seed: int = 0) -> Path:
    """Write the model; every matrix is random."""
    random = np.random.default_rng(seed)
    tokens = [*byte_tokens(), *SPECIAL]

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (random.normal(size=(rows, columns)) * 2 / np.sqrt(columns)).astype(np.float32)

    metadata = {
        "general.architecture": "llama",
        "general.type": "model",
        "llama.block_count": LAYERS,
        "llama.context_length": 4096,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KEYS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": HEAD,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * 256 + [3, 3, 1],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 256,
        "tokenizer.ggml.eos_token_id": 257,
    }
    tensors = {"token_embd.weight": matrix(len(tokens), WIDTH)}
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        tensors |= {
            f"{block}.attn_norm.weight": np.ones(WIDTH, np.float32),
            f"{block}.attn_q.weight": matrix(HEADS * HEAD, WIDTH),
            f"{block}.attn_k.weight": matrix(KEYS * HEAD, WIDTH),
            f"{block}.attn_v.weight": matrix(KEYS * HEAD, WIDTH),
            f"{block}.attn_output.weight": matrix(WIDTH, WIDTH),
            f"{block}.ffn_norm.weight": np.ones(WIDTH, np.float32),
            f"{block}.ffn_gate.weight": matrix(INNER, WIDTH),
            f"{block}.ffn_up.weight": matrix(INNER, WIDTH),
            f"{block}.ffn_down.weight": matrix(WIDTH, INNER),
        }
    tensors["output_norm.weight"] = np.ones(WIDTH, np.float32)
    tensors["output.weight"] = matrix(len(tokens), WIDTH)
    write_gguf(path, metadata, tensors)
    return path
