"""The assistant without a language model over a workspace."""

from taxonaut.conversation.nlu.assistant import ChoosingAssistant
from taxonaut.conversation.nlu.nearest import learner
from taxonaut.models.catalog import encoder_embedder
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.workspace.workspace import Workspace


def choosing(workspace: Workspace) -> ChoosingAssistant:
    """Return the assistant that chooses, on the encoder of `[models.assistant]`."""
    wiring = workspace.wiring
    embedder = wiring.embedder_of(encoder_embedder(workspace.config.models.assistant))
    learn = learner(embedder, StoredEmbedder(embedder, wiring.embeddings).lookup)
    return ChoosingAssistant(embedder, learn, workspace.index)
