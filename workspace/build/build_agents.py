"""Put architect and annotator on the models that a workspace's settings name."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.agents.annotator import Annotator, AnnotatorSettings
from taxonaut.agents.architect import AnswerMode, Architect, ArchitectSettings
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.models.catalog import ENCODER, encoder_embedder
from taxonaut.models.encoder.label_encoder import LabelEncoder, LabelEncoderSettings
from taxonaut.models.encoder.scorer import LabelSpace, TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.records import Label
from taxonaut.workspace.build.agents_tree import BuildAgents
from taxonaut.workspace.core.config import PATIENCE, Config
from taxonaut.workspace.core.container import Wiring

ENCODER_BATCH = 4_096
"""Labels in one request to an encoder, which reads no prompt."""

ROOM_FOR_CENTRES = 80
ROOM_FOR_A_LABEL = 16
"""Tokens of an answer: for each centre that is named with its description, for each label that is assigned."""


TEMPLATES = (
    "annotator/assign_label_scored",
    "annotator/assign_labels",
    "architect/propose_centres",
    "architect/propose_centres_scored",
)
"""What these agents are told."""


def build_agents(wiring: Wiring, labels: Sequence[Label]) -> BuildAgents:
    """Return the agents that build over these labels, which are compared by their names."""
    table = label_names(wiring, labels)
    config, build = wiring.config, wiring.config.build
    architects = opened(wiring, config.models.architect, table.texts, build.centres * ROOM_FOR_CENTRES)
    annotators = annotating(wiring, table.texts)
    return build_agents_on(wiring, table, architects, annotators)


def label_names(wiring: Wiring, labels: Sequence[Label]) -> LabelTable:
    """Return labels with their names and the names' vectors."""
    names = [label.name for label in labels]
    return LabelTable([label.id for label in labels], names, wiring.stored.lookup(names))


def build_agents_on(
    wiring: Wiring, table: LabelTable, architects: Answers, annotators: Answers
) -> BuildAgents:
    """Put the agents on opened models."""
    config, build = wiring.config, wiring.config.build
    suggestions = VectorClusters(lambda: table)
    architect = Architect(
        architects,
        wiring.prompts,
        suggestions,
        ArchitectSettings(task=config.task.description, sample=build.sample, seed=build.seed),
        answer_mode(config.models.architect),
    )
    return BuildAgents(suggestions, architect, annotator_on(wiring, annotators), settings(config, wiring))


def annotator(wiring: Wiring, names: Sequence[str]) -> Annotator:
    """Return the annotator; `names` are those of the labels around, from whose mean an encoder looks."""
    return annotator_on(wiring, annotating(wiring, names))


def annotator_on(wiring: Wiring, model: Answers) -> Annotator:
    """Put the annotator on its opened model."""
    config, build = wiring.config, wiring.config.build
    role = config.models.annotator
    encodes = role.provider == ENCODER
    batch = ENCODER_BATCH if encodes else build.labels_per_request
    return Annotator(
        model,
        wiring.prompts,
        AnnotatorSettings(task=config.task.description, batch=batch, most=build.fits, seed=build.seed),
        scored=role.answer == "scored" and not encodes,
    )


def annotating(wiring: Wiring, names: Sequence[str]) -> Answers:
    """Open the annotator's model."""
    room = wiring.config.build.labels_per_request * ROOM_FOR_A_LABEL
    return opened(wiring, wiring.config.models.annotator, names, room)


def opened(wiring: Wiring, model: ModelSettings, names: Sequence[str], room: int) -> Answers:
    """Open a role's model; an encoder compares labels as such, a language model has room for its answer."""
    if model.provider == ENCODER:
        return label_encoder(wiring, model, names)
    if "max_tokens" not in model.model_fields_set:
        model = model.model_copy(update={"max_tokens": max(model.max_tokens, room)})
    return wiring.answers(model)


def label_encoder(wiring: Wiring, model: ModelSettings, names: Sequence[str]) -> LabelEncoder:
    """Return an encoder that compares labels as such."""
    embedder = wiring.embedder_of(encoder_embedder(model))
    stored = StoredEmbedder(embedder, wiring.embeddings)
    space = LabelSpace.of(names, stored.lookup(names))
    scorer = TextScorer(embedder, wiring.score_settings(), space)
    return LabelEncoder(scorer, stored.lookup, LabelEncoderSettings(margin=wiring.config.build.margin))


def answer_mode(model: ModelSettings) -> AnswerMode:
    """Say how a model comes to centres."""
    if model.provider == ENCODER:
        return "voted"
    return "scored" if model.answer == "scored" else "written"


def settings(config: Config, wiring: Wiring) -> Mapping[str, Any]:
    """Return what of the settings can change what the agents do."""
    templates = {name: wiring.prompts.hash(name) for name in TEMPLATES}
    return {
        "task": config.task.description,
        "architect": identity(config.models.architect),
        "annotator": identity(config.models.annotator),
        "embeddings": identity(config.embeddings),
        "build": config.build.model_dump(mode="json"),
        "templates": templates,
    }


def identity(model: ModelSettings) -> Mapping[str, Any]:
    """Return what of a model's settings can change what it answers."""
    return model.model_dump(mode="json", exclude=set(PATIENCE))
