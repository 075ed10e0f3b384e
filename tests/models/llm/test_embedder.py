"""Embeddings from a server: order, unit rows, batches, retries, and what is said when it fails."""

from typing import Any

import numpy as np
import pytest

from taxonaut.models.llm import embedder as litellm_embedder
from taxonaut.models.llm.embedder import LiteLLMEmbedder
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelError, ModelReplyError, ModelUnavailableError


def embedder(server: Any, **changes: Any) -> LiteLLMEmbedder:
    given = {"model": "openai/test", "api_base": server.url, "backoff_s": 0, "timeout_s": 10}
    return LiteLLMEmbedder(ModelSettings(**{**given, **changes}))


def expected(*texts: str) -> Any:
    rows = np.asarray([[len(text), ord(text[0]), 3.0] for text in texts], dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_unit_rows_in_the_order_of_the_texts(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_embedder, "BATCH", 2)
    made = embedder(server)
    texts = ["a", "bb", "ccc"]
    matrix = made.embed(texts)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected(*texts), rtol=1e-6)
    assert (made.name, made.dimension, server.stats()["requests"]) == ("openai/test", 3, 2)


def test_rows_that_come_in_another_order_are_put_in_order(server: Any) -> None:
    texts = ["BEHAVE:backwards", "bb", "ccc"]
    np.testing.assert_allclose(embedder(server).embed(texts), expected(*texts), rtol=1e-6)


def test_the_dimension_is_asked_once(server: Any) -> None:
    made = embedder(server)
    assert (made.dimension, made.dimension, made.embed([]).shape) == (3, 3, (0, 3))
    assert server.stats()["requests"] == 1


def test_a_busy_server_is_asked_again(server: Any) -> None:
    embedder(server).embed(["BEHAVE:busy3"])
    assert server.stats()["requests"] == 4


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "BEHAVE:broken",
            ModelUnavailableError,
            "'openai/test': its server failed: out of order; look at the log of {url} (given up after 2 "
            "tries)",
        ),
        (
            "BEHAVE:short",
            ModelReplyError,
            "'openai/test' gave no usable vectors: it gave 1 vector for 2 texts; look at the log of the server, "
            "or use another embedding model",
        ),
    ],
)
def test_what_is_said_when_it_fails(server: Any, text: str, kind: type[ModelError], message: str) -> None:
    with pytest.raises(kind) as caught:
        embedder(server, attempts=2).embed([text, "b"])
    assert str(caught.value) == message.format(url=server.url)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (None, "openai/x"),
        ("http://127.0.0.1:8000/v1", "openai/x at http://127.0.0.1:8000/v1"),
        ("HTTP://Me:Pass@Host.:80/v1/", "openai/x at http://host/v1"),
        ("https://host:443", "openai/x at https://host"),
        ("http://[::1]:80/v1?key=a", "openai/x at http://[::1]/v1"),
    ],
)
def test_vectors_are_stored_under_the_model_at_its_server(url: str | None, key: str) -> None:
    assert LiteLLMEmbedder(ModelSettings(model="openai/x", api_base=url)).vectors_key == key


async def test_it_may_be_called_where_a_loop_runs(server: Any) -> None:
    assert embedder(server).embed(["a"]).shape == (1, 3)
