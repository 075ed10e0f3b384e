"""The encoder's assistant over a workspace: its example phrasings, with their vectors kept in the workspace."""

from taxonaut.conversation.nlu.assistant import ChoosingAssistant
from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.phrasing_answers import PhrasingAnswers
from taxonaut.conversation.nlu.phrasing_vectors import PackagedVectors, packaged, solved
from taxonaut.models.catalog import encoder_embedder
from taxonaut.models.encoder.scorer import EncoderProvider, EncoderSettings, ScoreSettings, TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.workspace.workspace import Workspace

WHOLE = ScoreSettings(mix=0.0, centring=0.0, words=0.0)
"""A few words are compared with a name as they are."""


def choosing(workspace: Workspace) -> ChoosingAssistant:
    """Return the assistant that chooses, on the encoder of `[models.assistant]`."""
    wiring = workspace.wiring
    embedder = wiring.embedder_of(encoder_embedder(workspace.config.models.assistant))
    lookup = StoredEmbedder(embedder, wiring.embeddings).lookup
    ours = packaged()[0] == embedder.name
    chooser = (
        PhrasingAnswers(embedder, PackagedVectors(lookup), solved=solved)
        if ours
        else PhrasingAnswers(embedder, lookup)
    )
    names = EncoderProvider(TextScorer(embedder, WHOLE), lookup, EncoderSettings(threshold=0.0))
    return ChoosingAssistant(chooser, names, workspace.index, phrasings().get(OTHER, ()))
