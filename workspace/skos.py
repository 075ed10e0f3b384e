"""The terms of SKOS (W3C, 2009) that an index is written in, and rdflib when it is needed."""

from types import ModuleType

from taxonaut.state.errors import MissingExtraError

CATEGORY = "urn:taxonaut:Category"
"""Our own class for concepts that are nodes of the tree only, and no labels to predict."""

EXCLUDES = "urn:taxonaut:excludes"
BATCH = "urn:taxonaut:batch"
SKOS_XL = "http://www.w3.org/2008/05/skos-xl#"


def rdf() -> ModuleType:
    """Return rdflib. Raises MissingExtraError if it is not installed."""
    try:
        import rdflib
    except ImportError:
        raise MissingExtraError("rdflib", "skos") from None
    return rdflib
