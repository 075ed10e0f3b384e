"""The usual names of the columns of items: texts, gold labels, ids."""

from collections.abc import Sequence
from unicodedata import combining, normalize

TEXTS = (
    "text", "title", "name", "product", "product_name", "item", "content", "body", "sentence", "description",
    "query", "utterance", "message", "job", "skill",
)  # fmt: skip
"""Usual names of text columns."""

LABELS = (
    "labels",
    "label_ids",
    "label",
    "label_id",
    "gold",
    "category",
    "category_id",
    "categories",
    "skills",
)
IDS = ("id", "item_id", "product_id", "sku", "key")

CHOSEN = (
    "text", "title", "product_title", "product_name", "item_name", "name", "headline", "subject", "content", "body",
    "sentence", "utterance", "query", "question", "message", "comment", "review", "abstract", "description",
    "product", "item", "job", "skill", "titel", "bezeichnung", "artikelbezeichnung", "produktname", "betreff",
    "inhalt", "beschreibung", "titre", "sujet", "contenu", "titulo", "asunto", "contenido", "descripcion", "titolo",
    "descrizione",
)  # fmt: skip
"""Names of text columns, of which the first there is is read where none is named."""


def match_columns(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the columns with one of the names, ignoring case and accents, in the order of the names."""
    by_name: dict[str, str] = {}
    for name in found:
        plain = "".join(sign for sign in normalize("NFKD", name.strip().casefold()) if not combining(sign))
        by_name.setdefault(plain.replace(" ", "_"), name)
    return [by_name[name] for name in wanted if name in by_name]
