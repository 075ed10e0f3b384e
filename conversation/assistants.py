"""Open the assistant of a workspace's settings: an encoder that chooses tools, or a language model."""

from collections.abc import Mapping
from typing import Any

from taxonaut.agents.assistant import TEMPLATE, Assistant, TalkingAssistant
from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.conversation.nlu.assistant import ChoosingAssistant
from taxonaut.conversation.nlu.nearest import build_learner
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.models.catalog import ENCODER, GGUF, check, encoder_embedder
from taxonaut.models.chat_model import ChatModel
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.settings import ModelSettings
from taxonaut.tools.support.chat_tool import Focus, Toolbox
from taxonaut.workspace.workspace import Workspace

ANSWER_TOKENS = 1_000
"""Default maximum tokens of an answer from a server."""

PROBES = 20
"""Labels that are looked up to see whether labels have vectors yet."""

MOST_SHOWN = 20
"""Maximum top-level categories shown to a model."""


def open_assistant(workspace: Workspace) -> Assistant:
    """Open the assistant of `[models.assistant]`: a `ChoosingAssistant` for `encoder/…`, else a language model."""
    if workspace.config.models.assistant.provider == ENCODER:
        return open_choosing_assistant(workspace)
    return open_talking_assistant(workspace)


def open_choosing_assistant(workspace: Workspace) -> ChoosingAssistant:
    """Open the assistant that chooses tools with the encoder of `[models.assistant]`."""
    wiring = workspace.wiring
    embedder = wiring.base_embedder(encoder_embedder(workspace.config.models.assistant))
    learn = build_learner(embedder, StoredEmbedder(embedder, wiring.embeddings).lookup)
    return ChoosingAssistant(embedder, learn, workspace.index)


def open_talking_assistant(workspace: Workspace) -> TalkingAssistant:
    """Open an assistant over a language model."""
    workspace.store_templates([TEMPLATE])
    settings = workspace.config.models.assistant
    model: ChatModel = workspace.wiring.injected.models.get(settings.model) or open_chat_model(settings)
    if workspace.wiring.budget is not None:
        model = workspace.wiring.budget.metered_chat(settings, model)
    task = workspace.config.task.description
    return TalkingAssistant(model, workspace.prompts, lambda: describe_index(workspace), task)


def open_chat_model(settings: ModelSettings) -> ChatModel:
    """Open a chat model: `gguf/…` in this process, any other through LiteLLM."""
    check(settings.model)
    if settings.provider == GGUF:
        from taxonaut.models.gguf.chat import GgufChatModel
        from taxonaut.models.gguf.provider import open_chat

        return GgufChatModel(
            settings, open_chat(settings.model.partition("/")[2], "generated", settings.adapter)
        )
    from taxonaut.models.llm.chat import LiteLLMChatModel

    if "max_tokens" not in settings.model_fields_set:
        settings = settings.model_copy(update={"max_tokens": ANSWER_TOKENS})
    return LiteLLMChatModel(settings)


def describe_index(workspace: Workspace) -> Mapping[str, Any]:
    """Return the variables of `assistant/converse` that describe the index."""
    index = workspace.index
    stats, root = index.stats(), index.root()
    top = [f"{node.name} (id {node.id})" for node in index.children(root)]
    more = [f"and {len(top) - MOST_SHOWN} more"] if len(top) > MOST_SHOWN else []
    return {
        "labels": stats.labels,
        "categories": stats.nodes,
        "root": int(root),
        "top": [*top[:MOST_SHOWN], *more],
    }


def toolbox_of(workspace: Workspace) -> Toolbox:
    """Return the toolbox of a workspace."""
    return WorkspaceTools(workspace)


async def warm_up(assistant: Assistant, toolbox: Toolbox) -> None:
    """Let an assistant on an encoder read a message, which loads its weights and the tree's names."""
    messages = [{"role": "user", "content": "what is at the top?"}]
    await assistant.step(messages, Focus(), toolbox.tools, lambda _: None)


def warm_up_labels(workspace: Workspace) -> None:
    """Read the labels' vectors, unless many have to be made first: the first question shows progress on that."""
    wiring = workspace.wiring
    if not workspace.compares_vectors:
        return
    texts = list(wiring.label_texts().values())
    some = [text.rpartition(PATH_SEPARATOR)[2] for text in texts[:: max(1, len(texts) // PROBES)]]
    if wiring.embeddings.get(wiring.stored.key, some)[1].all():
        wiring.scorer  # noqa: B018
