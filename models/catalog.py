"""Open a model by its string: an in-process provider of ours, or anything LiteLLM knows."""

from collections.abc import Callable

from taxonaut.models.embedder import Embedder
from taxonaut.models.encoder.scorer import EncoderProvider, TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.reply_cache import ResponseCache

ENCODER = "encoder"
GGUF = "gguf"


def open_embedder(settings: ModelSettings) -> Embedder:
    """Open an embedder: `gguf/<name or path>` in this process, any other string through LiteLLM."""
    provider, _, name = settings.model.partition("/")
    if provider == GGUF and name:
        from taxonaut.models.gguf.embedder import GgufEmbedder

        return GgufEmbedder(name)
    check(settings.model)
    from taxonaut.models.llm.embedder import LiteLLMEmbedder

    return LiteLLMEmbedder(settings)


def open_answers(
    settings: ModelSettings,
    scorer_of: Callable[[ModelSettings], TextScorer],
    embeddings: Embeddings,
    cache: ResponseCache,
) -> Answers:
    """Open a model that answers requests.

    `encoder/…` takes the light door: it answers a whole batch at once without LiteLLM. All others go through
    the gateway.
    """
    if settings.provider == ENCODER:
        return open_encoder(settings, scorer_of, embeddings)
    check(settings.model)
    from taxonaut.models.encoder.score_ensemble import JoinedAnswers
    from taxonaut.models.llm.gateway import Gateway
    from taxonaut.models.llm.reply_store import KeptReplies

    if settings.provider == GGUF:
        from taxonaut.models.gguf.provider import register_gguf

        register_gguf()
        if "concurrency" not in settings.model_fields_set:
            settings = settings.model_copy(update={"concurrency": 1})
    gateway = Gateway(settings, KeptReplies(cache))
    if settings.join is None:
        return gateway
    encoder = ModelSettings(model=settings.join)
    return JoinedAnswers(gateway, open_encoder(encoder, scorer_of, embeddings), settings.join_weight)


def open_encoder(
    settings: ModelSettings, scorer_of: Callable[[ModelSettings], TextScorer], embeddings: Embeddings
) -> Answers:
    """Open `encoder/…`; option texts are embedded once and kept."""
    scorer = scorer_of(encoder_embedder(settings))
    return EncoderProvider(scorer, StoredEmbedder(scorer.embedder, embeddings).lookup)


def encoder_embedder(settings: ModelSettings) -> ModelSettings:
    """Return the embedder behind `encoder/…`: a bare name is a GGUF model of ours."""
    check(settings.model)
    name = settings.model.partition("/")[2]
    return settings.model_copy(update={"model": name if "/" in name else f"{GGUF}/{name}"})


def check(model: str) -> None:
    """Refuse a string without a provider."""
    provider, _, name = model.partition("/")
    if not provider or not name:
        raise InputError(
            f"{model!r} is no model string: write provider/model, such as encoder/all-minilm-l6-v2, "
            "gguf/smollm2-135m-instruct, openai/gpt-4.1-mini, hosted_vllm/… or ollama/…"
        )
