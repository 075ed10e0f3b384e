"""Put the agents that build and assign a vocabulary on the models that a workspace's settings name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.agents.architect import DESCRIPTORS, Architect, ArchitectSettings
from taxonaut.agents.change_reviewer import ChangeReviewer
from taxonaut.agents.change_writer import ChangeWriter
from taxonaut.agents.support.texts import TextTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.models.catalog import ENCODER, encoder_embedder
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_encoder import LabelEncoder, LabelEncoderSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.build.build_agents import ENCODER_BATCH, TOKENS_PER_LABEL, answer_mode, model_identity
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.core.container import Wiring

ROOM_FOR_A_DESCRIPTOR = 240
ROOM_FOR_A_VERDICT = 80
ROOM_FOR_A_CHANGE = 480
"""Tokens of an answer: for each descriptor that is proposed, for each proposal that is reviewed, for a proposal."""

NEARLY_AS_GOOD = 0.05
"""The margin within which an encoder takes descriptors beside the nearest as a vocabulary branches: with all above
its threshold, two a node, 3,459 office products get 2,282 descriptors instead of some 400."""

ALL_THAT_FIT = 1.0
"""The margin within which an encoder takes descriptors beside the nearest, where not only the best is wanted."""

HEAD = 160
"""Characters at the beginning of an item's text that name what it is: word statistics read no further."""

TEMPLATES = (
    "annotator/assign_items",
    "annotator/assign_label_scored",
    "annotator/propose_change",
    "annotator/propose_change_scored",
    "architect/propose_centres_scored",
    "architect/propose_descriptors",
    "architect/review_changes",
    "architect/review_changes_scored",
)
"""What these agents are told."""

Lookup = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class VocabularyAgents:
    """Who builds a vocabulary."""

    suggestions: VectorClusters[ItemId]
    architect: Architect[ItemId]
    annotator: Annotator
    writer: ChangeWriter
    reviewer: ChangeReviewer


def vocabulary_agents(wiring: Wiring, table: TextTable[ItemId]) -> VocabularyAgents:
    """Return the agents that build over some items."""
    config, vocabulary = wiring.config, wiring.config.vocabulary
    task, prompts = config.task.description, wiring.prompts
    suggestions = VectorClusters(lambda: table, HEAD)
    lookup = known_first(table, wiring.stored.lookup)
    roles = config.models
    room = max(vocabulary.categories * ROOM_FOR_A_DESCRIPTOR, vocabulary.proposals * ROOM_FOR_A_VERDICT)
    architects = opened(wiring, roles.architect, lookup, room)
    architect = Architect(
        architects,
        prompts,
        suggestions,
        ArchitectSettings(task=task, sample=vocabulary.sample, seed=vocabulary.seed),
        answer_mode(roles.architect),
        DESCRIPTORS,
    )
    most = vocabulary.branching or vocabulary.fits
    margin = NEARLY_AS_GOOD if most > 1 else 0.0
    annotators = opened(wiring, roles.annotator, lookup, room_for_items(config), margin=margin)
    writer = ChangeWriter(
        annotators, prompts, suggestions.text, task, answer_mode(roles.annotator), vocabulary.seed
    )
    reviewer = ChangeReviewer(architects, prompts, suggestions.text, task, answer_mode(roles.architect))
    return VocabularyAgents(suggestions, architect, annotator_on(wiring, annotators, most), writer, reviewer)


def item_annotator(wiring: Wiring, lookup: Lookup, *, every: bool) -> Annotator:
    """Return the annotator that puts descriptors on items: one best at a node, or `every` one that fits."""
    config = wiring.config
    margin = ALL_THAT_FIT if every else 0.0
    model = opened(wiring, config.models.annotator, lookup, room_for_items(config), margin=margin)
    return annotator_on(wiring, model, config.vocabulary.fits if every else 1)


def annotator_on(wiring: Wiring, model: Answers, most: int) -> Annotator:
    """Put the annotator on its opened model."""
    vocabulary, role = wiring.config.vocabulary, wiring.config.models.annotator
    encodes = role.provider == ENCODER
    return Annotator(
        model,
        wiring.prompts,
        AnnotatorSettings(
            task=wiring.config.task.description,
            batch=ENCODER_BATCH if encodes else vocabulary.items_per_request,
            most=most,
            seed=vocabulary.seed,
            characters=vocabulary.characters,
        ),
        scored=role.answer == "scored" and not encodes,
        kind=ASSIGN_ITEMS,
    )


def room_for_items(config: Config) -> int:
    """How many tokens an annotator's answer may take."""
    return max(ROOM_FOR_A_CHANGE, 64 + config.vocabulary.items_per_request * TOKENS_PER_LABEL)


def opened(
    wiring: Wiring, model: ModelSettings, lookup: Lookup, room: int, *, margin: float = 0.0
) -> Answers:
    """Open a role's model; an encoder compares whole texts, a language model has room for its answer."""
    if model.provider == ENCODER:
        config = wiring.config
        embedder = wiring.embedder_for(encoder_embedder(model))
        if embedder.name != wiring.stored.embedder.name:
            lookup = StoredEmbedder(embedder, wiring.embeddings).lookup
        settings = LabelEncoderSettings(
            threshold=config.vocabulary.threshold,
            margin=margin,
            further=config.vocabulary.further,
            centring=config.scoring.centring,
        )
        return LabelEncoder(TextScorer(embedder, ScoreSettings()), lookup, settings)
    if "max_tokens" not in model.model_fields_set:
        model = model.model_copy(update={"max_tokens": max(model.max_tokens, room)})
    return wiring.answers(model)


def item_table(wiring: Wiring, items: Sequence[Item], stage: str = "") -> TextTable[ItemId]:
    """Return items with their texts as they are read, and the texts' vectors; new ones are embedded."""
    characters = wiring.config.vocabulary.characters
    texts = [text_of(item, characters) for item in items]
    return TextTable([item.id for item in items], texts, wiring.stored.lookup(texts, stage))


def text_of(item: Item, characters: int) -> str:
    """An item's text as agents read it: on one line, and not without end."""
    return " ".join(item.text.split())[:characters]


def known_first(table: TextTable[ItemId], lookup: Lookup) -> Lookup:
    """Return a look-up that takes the vectors of a table's texts from it, and asks for the others."""
    rows = {text: row for row, text in enumerate(table.texts)}

    def found(texts: Sequence[str]) -> Matrix:
        places = [rows.get(text, -1) for text in texts]
        if -1 not in places:
            known: Matrix = table.vectors[places]
            return known
        missing = [text for text, place in zip(texts, places, strict=True) if place < 0]
        vectors = table.vectors[places].copy()
        vectors[[row for row, place in enumerate(places) if place < 0]] = lookup(missing)
        return vectors

    return found


def settings(config: Config, wiring: Wiring) -> Mapping[str, Any]:
    """Return what of the settings can change what these agents do."""
    templates = {name: wiring.prompts.hash(name) for name in TEMPLATES}
    return {
        "task": config.task.description,
        "architect": model_identity(config.models.architect),
        "annotator": model_identity(config.models.annotator),
        "embeddings": model_identity(config.embeddings),
        "vocabulary": config.vocabulary.model_dump(mode="json"),
        "centring": config.scoring.centring,
        "templates": templates,
    }
