"""Create the agents that build and assign a vocabulary, on the configured models."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.annotator import ASSIGN_ITEMS, Annotator, AnnotatorSettings
from taxonaut.agents.architect import DESCRIPTORS, Architect, ArchitectSettings
from taxonaut.agents.change_reviewer import ChangeReviewer
from taxonaut.agents.support.texts import TextTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.agents.writers.change_writer import ChangeWriter
from taxonaut.models.catalog import ENCODER, encoder_embedder
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_encoder import LabelEncoder, LabelEncoderSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.build.build_agents import (
    ENCODER_BATCH,
    TOKENS_PER_LABEL,
    answer_mode,
    group_namer,
    model_identity,
)
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.long_texts import TextLimits

TOKENS_PER_DESCRIPTOR = 240
TOKENS_PER_VERDICT = 80
TOKENS_PER_CHANGE = 480
"""Answer tokens per proposed descriptor, per reviewed proposal, and per change proposal."""

BRANCHING_MARGIN = 0.05
"""The encoder's margin for descriptors next to the best in a branching build. Without a margin (all above the
threshold, two per node) 3,459 office products got 2,282 descriptors instead of about 400."""

EVERY_MARGIN = 1.0
"""The encoder's margin for assigning every descriptor that fits."""

UNREAD_ITEMS_PER_REQUEST = 10
"""Stands in fingerprints for `items_per_request` where the annotator does not read it: the former default, so that
what is finished is not done again."""

TERM_CHARACTERS = 160
"""Characters of an item's text from which descriptors are named; the beginning says what the item is."""

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
"""The templates of these agents."""

Lookup = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class VocabularyAgents:
    """The agents that build a vocabulary."""

    suggestions: VectorClusters[ItemId]
    architect: Architect[ItemId]
    annotator: Annotator
    writer: ChangeWriter
    reviewer: ChangeReviewer


def make_vocabulary_agents(wiring: Wiring, table: TextTable[ItemId]) -> VocabularyAgents:
    """Create the agents for a build over the items of a table."""
    config, vocabulary = wiring.config, wiring.config.vocabulary
    task, prompts = config.task.description, wiring.prompts
    roles = config.models
    namer = group_namer(wiring, table.plain)
    suggestions = VectorClusters(
        lambda: table,
        TERM_CHARACTERS,
        suggested=namer if answer_mode(roles.architect) == "voted" else None,
        divided=namer if answer_mode(roles.annotator) == "voted" else None,
    )
    lookup = prefer_table(table, wiring.stored.lookup)
    room = max(vocabulary.categories * TOKENS_PER_DESCRIPTOR, vocabulary.proposals * TOKENS_PER_VERDICT)
    architects = open_model(wiring, roles.architect, lookup, room)
    architect = Architect(
        architects,
        prompts,
        suggestions,
        ArchitectSettings(task=task, sample=vocabulary.sample, seed=vocabulary.seed),
        answer_mode(roles.architect),
        DESCRIPTORS,
    )
    most = vocabulary.branching or vocabulary.fits
    margin = BRANCHING_MARGIN if most > 1 else 0.0
    annotators = open_model(wiring, roles.annotator, lookup, max_answer_tokens(config), margin=margin)
    writer = ChangeWriter(
        annotators, prompts, suggestions.text, task, answer_mode(roles.annotator), vocabulary.seed
    )
    reviewer = ChangeReviewer(architects, prompts, suggestions.text, task, answer_mode(roles.architect))
    return VocabularyAgents(
        suggestions, architect, make_annotator(wiring, annotators, most), writer, reviewer
    )


def make_item_annotator(wiring: Wiring, lookup: Lookup, *, every: bool) -> Annotator:
    """Create the annotator that assigns descriptors to items: the best one per node, or `every` one that fits."""
    config = wiring.config
    margin = EVERY_MARGIN if every else 0.0
    model = open_model(wiring, config.models.annotator, lookup, max_answer_tokens(config), margin=margin)
    return make_annotator(wiring, model, config.vocabulary.fits if every else 1)


def make_annotator(wiring: Wiring, model: Answers, most: int) -> Annotator:
    """Create an annotator on an open model."""
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


def max_answer_tokens(config: Config) -> int:
    """Return the maximum tokens of an annotator's answer."""
    return max(TOKENS_PER_CHANGE, 64 + config.vocabulary.items_per_request * TOKENS_PER_LABEL)


def open_model(
    wiring: Wiring, model: ModelSettings, lookup: Lookup, room: int, *, margin: float = 0.0
) -> Answers:
    """Open a role's model: an encoder compares whole texts, a language model gets at least `room` answer tokens."""
    if model.provider == ENCODER:
        settings = LabelEncoderSettings(
            threshold=wiring.config.vocabulary.threshold,
            margin=margin,
            further=wiring.config.vocabulary.further,
            centring=wiring.config.scoring.centring,
        )
        return open_encoder(wiring, model, lookup, settings)
    if "max_tokens" not in model.model_fields_set:
        model = model.model_copy(update={"max_tokens": max(model.max_tokens, room)})
    return wiring.answers(model)


def open_encoder(
    wiring: Wiring, model: ModelSettings, lookup: Lookup, settings: LabelEncoderSettings
) -> LabelEncoder:
    """Open an encoder that compares whole texts; the workspace's own embedder takes its vectors from `lookup`."""
    embedder = wiring.embedder_for(encoder_embedder(model))
    if embedder.name != wiring.stored.embedder.name:
        lookup = StoredEmbedder(embedder, wiring.embeddings).lookup
    return LabelEncoder(TextScorer(embedder, ScoreSettings()), lookup, settings)


def make_nearest_annotator(wiring: Wiring, most: int) -> Annotator:
    """Create the annotator that always chooses the `most` nearest descriptors, however far, by vectors alone.

    It compares as an encoder annotator does, with its embedder, or the workspace's where a language model annotates.
    """
    settings = LabelEncoderSettings(
        threshold=-math.inf, margin=math.inf, further=-math.inf, centring=wiring.config.scoring.centring
    )
    model = wiring.config.models.annotator
    lookup = wiring.stored.lookup
    if model.provider == ENCODER:
        encoder = open_encoder(wiring, model, lookup, settings)
    else:
        encoder = LabelEncoder(TextScorer(wiring.stored.embedder, ScoreSettings()), lookup, settings)
    how = AnnotatorSettings(batch=ENCODER_BATCH, most=most, characters=wiring.config.vocabulary.characters)
    return Annotator(encoder, wiring.prompts, how, kind=ASSIGN_ITEMS)


def make_item_table(wiring: Wiring, items: Sequence[Item], stage: str = "") -> TextTable[ItemId]:
    """Return a table of items with the texts shown to agents, and their vectors; new texts are embedded.

    Where agents read prompts, the texts name their columns; the vectors are of the texts without these names.
    """
    characters, roles = wiring.config.vocabulary.characters, wiring.config.models
    plain = [item_text(item, characters) for item in items]
    prompts = ENCODER not in (roles.architect.provider, roles.annotator.provider)
    texts = [item_text(item, characters, named=True) for item in items] if prompts else plain
    ids = [item.id for item in items]
    return TextTable(ids, texts, wiring.stored.lookup(plain, stage), plain=plain)


def tell_cut_texts(items: Iterable[Item], config: Config) -> None:
    """Tell which items are longer than is read of them (`TextsShortened`)."""
    TextLimits(characters=config.vocabulary.characters, shown_by="vocabulary").tell_shortened(items)


def item_text(item: Item, characters: int, *, named: bool = False) -> str:
    """Return an item's text as shown to agents: on one line, cut to `characters`; `named`: with names of columns."""
    return " ".join((item.named_text if named else item.text).split())[:characters]


def prefer_table(table: TextTable[ItemId], lookup: Lookup) -> Lookup:
    """Return a lookup that takes vectors from the table, and passes other texts on to `lookup`."""
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


def fingerprint_settings(config: Config, wiring: Wiring) -> Mapping[str, Any]:
    """Return the settings that affect the agents' answers."""
    vocabulary = config.vocabulary.model_dump(mode="json")
    annotator = config.models.annotator
    asks_one = annotator.provider == ENCODER or annotator.answer == "scored"
    if asks_one and "items_per_request" not in config.vocabulary.model_fields_set:
        vocabulary["items_per_request"] = UNREAD_ITEMS_PER_REQUEST
    templates = {name: wiring.prompts.hash(name) for name in TEMPLATES}
    return {
        "task": config.task.description,
        "architect": model_identity(config.models.architect),
        "annotator": model_identity(config.models.annotator),
        "embeddings": model_identity(config.embeddings),
        **wiring.learned_identity,
        "vocabulary": vocabulary,
        "centring": config.scoring.centring,
        "templates": templates,
    }
