"""Open a model by its string: an in-process provider, or any model of LiteLLM."""

from collections.abc import Callable
from dataclasses import dataclass

from taxonaut.models.embedder import Embedder
from taxonaut.models.encoder.encoder_provider import EncoderProvider
from taxonaut.models.encoder.score_ensemble import ScoreEnsemble
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.models.llm.embedder import LiteLLMEmbedder
from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import adapter_behind, file_behind
from taxonaut.state.errors import InputError
from taxonaut.state.plugins import extensions, load_extension
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.reply_cache import ResponseCache

ENCODER = "encoder"
GGUF = "gguf"
ONNX = "onnx"
LITELLM = "litellm"
MODELS = "taxonaut.models"
"""The extension point of models."""


def open_embedder(settings: ModelSettings) -> Embedder:
    """Open an embedder: `gguf/<name or path>` or `onnx/<name or folder>` in this process, others through LiteLLM."""
    provider, _, name = settings.model.partition("/")
    if settings.adapter is not None:
        raise InputError(
            f"an adapter is for language models, and {settings.model!r} embeds; leave `adapter` out of [embeddings]"
        )
    if provider == GGUF and name:
        return GgufEmbedder(name)
    if provider == ONNX and name:
        said = OnnxSettings(
            settings.precision, settings.pooling, settings.query_prefix, settings.passage_prefix
        )
        return OnnxEmbedder(name, settings=said)
    check(settings.model)
    return LiteLLMEmbedder(settings)


@dataclass(frozen=True, slots=True)
class ModelServices:
    """What models get from their workspace: text scorers, stored vectors, cached replies."""

    scorer_of: Callable[[ModelSettings], TextScorer]
    embeddings: Embeddings
    cache: ResponseCache


def open_answers(
    settings: ModelSettings,
    scorer_of: Callable[[ModelSettings], TextScorer],
    embeddings: Embeddings,
    cache: ResponseCache,
) -> Answers:
    """Open a model that answers requests: that of its provider (`taxonaut.models`), else through LiteLLM."""
    check(settings.model)
    if settings.provider == ONNX:
        raise InputError(
            f"{settings.model!r} is an embedder and answers no requests; "
            f"let it compare texts as {ENCODER}/{settings.model}"
        )
    name = settings.provider if settings.provider in extensions(MODELS) else LITELLM
    opened: Answers = load_extension(MODELS, name)(settings, ModelServices(scorer_of, embeddings, cache))
    return opened


def open_litellm(settings: ModelSettings, services: ModelServices) -> Answers:
    """Open any model string that LiteLLM knows, through the gateway; joined with an encoder if so set."""
    from taxonaut.models.llm.gateway import Gateway

    files = " ".join(filter(None, (file_behind(settings.model), adapter_behind(settings.adapter))))
    gateway = Gateway(settings, KeptReplies(services.cache), weights=files)
    if settings.join is None:
        return gateway
    encoder = ModelSettings(
        model=settings.join,
        precision=settings.precision,
        pooling=settings.pooling,
        query_prefix=settings.query_prefix,
        passage_prefix=settings.passage_prefix,
    )
    return ScoreEnsemble(gateway, open_encoder(encoder, services), settings.join_weight)


def open_gguf(settings: ModelSettings, services: ModelServices) -> Answers:
    """Open `gguf/…`, which llama.cpp runs in this process: one request at a time unless set otherwise."""
    from taxonaut.models.gguf.provider import check_adapter, register_gguf

    check_adapter(settings.adapter)
    register_gguf()
    if "concurrency" not in settings.model_fields_set:
        settings = settings.model_copy(update={"concurrency": 1})
    return open_litellm(settings, services)


def open_encoder(settings: ModelSettings, services: ModelServices) -> Answers:
    """Open `encoder/…`, which answers a whole batch at once without LiteLLM; option texts are embedded once."""
    scorer = services.scorer_of(encoder_embedder(settings))
    return EncoderProvider(scorer, StoredEmbedder(scorer.embedder, services.embeddings).lookup)


def encoder_embedder(settings: ModelSettings) -> ModelSettings:
    """Return the embedder behind `encoder/…`: a bare name is a GGUF model of ours."""
    check(settings.model)
    name = settings.model.partition("/")[2]
    return settings.model_copy(update={"model": name if "/" in name else f"{GGUF}/{name}"})


def check(model: str) -> None:
    """Raise InputError for a model string without a provider."""
    provider, _, name = model.partition("/")
    if not provider or not name:
        raise InputError(
            f"{model!r} is no model string: write provider/model, such as encoder/onnx/all-minilm-l6-v2, "
            "onnx/all-minilm-l6-v2, "
            "gguf/smollm2-135m-instruct, openai/gpt-4.1-mini, hosted_vllm/… or ollama/…"
        )
