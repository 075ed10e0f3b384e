"""Create the architect and the annotator on the models of a workspace's settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.agents.annotator import Annotator, AnnotatorSettings
from taxonaut.agents.architect import AnswerMode, Architect, ArchitectSettings
from taxonaut.agents.support.group_names import GroupNamer
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.models.catalog import ENCODER, encoder_embedder
from taxonaut.models.encoder.label_encoder import LabelEncoder, LabelEncoderSettings
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.records import Label
from taxonaut.workspace.build.agents_tree import BuildAgents
from taxonaut.workspace.core.config import REQUEST_SETTINGS, Config, weights_of
from taxonaut.workspace.core.container import Wiring

ENCODER_BATCH = 4_096
"""Labels in one request to an encoder; it reads no prompt."""

TOKENS_PER_CENTRE = 80
TOKENS_PER_LABEL = 16
"""Answer tokens reserved for each centre with its description, and for each assigned label."""


TEMPLATES = (
    "annotator/assign_label_scored",
    "annotator/assign_labels",
    "architect/propose_centres",
    "architect/propose_centres_scored",
)
"""The templates of these agents."""


def build_agents(wiring: Wiring, labels: Sequence[Label]) -> BuildAgents:
    """Return agents that build a tree over these labels, compared by name."""
    table = label_names(wiring, labels)
    config, build = wiring.config, wiring.config.build
    architects = open_model(wiring, config.models.architect, table.texts, build.centres * TOKENS_PER_CENTRE)
    annotators = open_annotator(wiring, table.texts)
    return build_agents_on(wiring, table, architects, annotators)


def label_names(wiring: Wiring, labels: Sequence[Label]) -> LabelTable:
    """Return the labels with their names and the vectors of the names."""
    names = [label.name for label in labels]
    return LabelTable([label.id for label in labels], names, wiring.stored.lookup(names))


def build_agents_on(
    wiring: Wiring, table: LabelTable, architects: Answers, annotators: Answers
) -> BuildAgents:
    """Return the agents on open models."""
    config, build = wiring.config, wiring.config.build
    namer = group_namer(wiring, table.texts)
    voted = answer_mode(config.models.architect) == "voted"
    suggestions = VectorClusters(lambda: table, suggested=namer if voted else None, divided=namer)
    architect = Architect(
        architects,
        wiring.prompts,
        suggestions,
        ArchitectSettings(task=config.task.description, sample=build.sample, seed=build.seed),
        answer_mode(config.models.architect),
    )
    return BuildAgents(
        suggestions,
        architect,
        annotator_on(wiring, annotators),
        settings(config, wiring),
        traced=config.tracing.langsmith,
    )


def group_namer(wiring: Wiring, texts: Sequence[str]) -> GroupNamer:
    """Return what names groups of texts that no language model names, on the workspace's embedder."""
    return GroupNamer(lambda: texts, wiring.stored.embed, wiring.stored.lookup)


def annotator(wiring: Wiring, names: Sequence[str]) -> Annotator:
    """Return the annotator; an encoder compares from the mean of `names`."""
    return annotator_on(wiring, open_annotator(wiring, names))


def annotator_on(wiring: Wiring, model: Answers) -> Annotator:
    """Return the annotator on an open model."""
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


def open_annotator(wiring: Wiring, names: Sequence[str]) -> Answers:
    """Open the annotator's model."""
    tokens = wiring.config.build.labels_per_request * TOKENS_PER_LABEL
    return open_model(wiring, wiring.config.models.annotator, names, tokens)


def open_model(wiring: Wiring, model: ModelSettings, names: Sequence[str], tokens: int) -> Answers:
    """Open a role's model; a language model gets at least `tokens` as `max_tokens`, unless that is configured."""
    if model.provider == ENCODER:
        return label_encoder(wiring, model, names)
    if "max_tokens" not in model.model_fields_set:
        model = model.model_copy(update={"max_tokens": max(model.max_tokens, tokens)})
    return wiring.answers(model)


def label_encoder(wiring: Wiring, model: ModelSettings, names: Sequence[str]) -> LabelEncoder:
    """Return an encoder that compares label names."""
    embedder = wiring.embedder_for(encoder_embedder(model))
    stored = StoredEmbedder(embedder, wiring.embeddings)
    space = LabelSpace.of(names, stored.lookup(names))
    scorer = TextScorer(embedder, wiring.score_settings(), space)
    return LabelEncoder(scorer, stored.lookup, LabelEncoderSettings(margin=wiring.config.build.margin))


def answer_mode(model: ModelSettings) -> AnswerMode:
    """Return how a model answers: an encoder votes, a language model writes or scores."""
    if model.provider == ENCODER:
        return "voted"
    return "scored" if model.answer == "scored" else "written"


def settings(config: Config, wiring: Wiring) -> Mapping[str, Any]:
    """Return the settings that affect the agents' answers, for the run's fingerprint."""
    templates = {name: wiring.prompts.hash(name) for name in TEMPLATES}
    return {
        "task": config.task.description,
        "architect": model_identity(config.models.architect),
        "annotator": model_identity(config.models.annotator),
        "embeddings": model_identity(config.embeddings),
        **wiring.learned_identity,
        "build": config.build.model_dump(mode="json"),
        "templates": templates,
    }


def model_identity(model: ModelSettings) -> Mapping[str, Any]:
    """Return the settings of a model that affect its answers, and the fingerprint of its file."""
    return model.model_dump(mode="json", exclude=set(REQUEST_SETTINGS)) | weights_of(model)
