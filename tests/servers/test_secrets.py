"""Keys do not get into what is stored or printed, whatever a server echoes."""

from pathlib import Path

import pytest
from fakes import word_embedder
from fault_server import KEY, FaultServer

from taxonaut.models.llm.redaction import redact, redact_settings, redact_url
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import TaxonautError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.workspace import Workspace

PASSWORD = "correct-horse-battery"


@pytest.mark.parametrize("kind", ["status 403", "refusal", "name echoes the key", "password in the URL"])
def test_no_key_is_stored(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    folder, said = tmp_path / "w", ""
    with FaultServer(kind) as server:
        in_url = kind == "password in the URL"
        base = server.url.replace("://", f"://me:{PASSWORD}@") if in_url else server.url
        role = {
            "model": "hosted_vllm/test",
            "api_base": base,
            "api_key_env": "SHOP_KEY",
            "backoff_s": 0,
            "repairs": 1,
        }
        with Workspace.init(folder) as made:
            made.index.add_labels([Label(LabelId(word), word) for word in ("fox", "oak", "bee")])
        models = {"navigator": role, "general_expert": role}
        with Workspace.open(folder, embedder=word_embedder(), models=models) as workspace:
            workspace.build_index(method="kmeans")
            try:
                said = str(workspace.classify([Item(ItemId(word), f"a {word}") for word in ("fox", "oak")]))
            except TaxonautError as error:
                said = str(error)
        assert in_url or KEY in server.keys, said
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (KEY, PASSWORD):
        assert secret not in said
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: abcdef-123456.", "Incorrect API key provided: [redacted]"),
        ('{"Authorization": "Bearer abc.def-123"}', '{"Authorization": "[redacted]"}'),
        ("use Bearer abcdef123456 here", "use Bearer [redacted] here"),
        ("http://me:word@host/v1 is down", "http://[redacted]@host/v1 is down"),
        ("?api_key=abcdef123456&x=1", "?api_key=[redacted]&x=1"),
        ("token sk-abcdefgh12345678 expired", "token [redacted] expired"),
        ("maximum context length is 512 tokens", "maximum context length is 512 tokens"),
        ("Unexpected token '<' at position 0", "Unexpected token '<' at position 0"),
    ],
)
def test_what_looks_like_a_key_is_redacted(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_keys_of_the_environment_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "plainlooking")
    assert redact("it is plainlooking, or cGxhaW5sb29raW5n") == "it is [redacted], or [redacted]"
    settings = ModelSettings(model="openai/x", api_base="http://someone:some%20word@h/v1")
    assert redact("someone with some%20word", settings) == "[redacted] with [redacted]"


def test_urls_and_settings() -> None:
    assert (
        redact_url("https://me:word@host:1/v1?key=a&b=c")
        == "https://[redacted]@host:1/v1?key=[redacted]&b=[redacted]"
    )
    plain = {"models": {"navigator": {"api_base": "http://host/v1", "seed": 1}}, "parts": ["a"]}
    assert redact_settings(plain) == plain
    assert redact_settings({"embeddings": {"api_base": "http://a:b@h"}}) == {
        "embeddings": {"api_base": "http://[redacted]@h"}
    }
