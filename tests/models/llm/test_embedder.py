"""Embeddings from a server: order, unit rows, batches, retries, and what is said when it fails."""

from typing import Any

import numpy as np
import pytest

from taxonaut.models.llm import embedder as litellm_embedder
from taxonaut.models.llm.embedder import LiteLLMEmbedder
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelUnavailableError


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
    ("text", "message"),
    [
        (
            "BEHAVE:broken",
            "'openai/test': its server failed: out of order; look at the log of {url} (given up after 2 "
            "tries)",
        ),
        (
            "BEHAVE:short",
            "'openai/test' gave 1 vector for 2 texts; look at the log of {url}, or use another model",
        ),
    ],
)
def test_what_is_said_when_it_fails(server: Any, text: str, message: str) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        embedder(server, attempts=2).embed([text, "b"])
    assert str(caught.value) == message.format(url=server.url)


async def test_it_may_be_called_where_a_loop_runs(server: Any) -> None:
    assert embedder(server).embed(["a"]).shape == (1, 3)
