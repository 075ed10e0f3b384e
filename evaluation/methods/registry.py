"""All methods by name, and how a person writes one: `dense`, `navigate:terminals=40:shortlist=tree`."""

from collections.abc import Sequence

from taxonaut.evaluation.methods.flat import bm25, dense
from taxonaut.evaluation.methods.icxml import icxml
from taxonaut.evaluation.methods.kmeans_index import kmeans_index
from taxonaut.evaluation.methods.linear import linear
from taxonaut.evaluation.methods.method import Chosen, Method
from taxonaut.evaluation.methods.walks import both, navigate, shortlist, tree
from taxonaut.state.errors import InputError
from taxonaut.workspace.config import WalkConfig

ALL = (
    Method("navigate", "the walk, as the settings have it", navigate, walks=True),
    Method("tree", "the walk alone", tree, walks=True),
    Method("both", "the walk joined with exact search", both, walks=True),
    Method("dense", "exact search over all labels, no agent", dense, options=("mix",)),
    Method("bm25", "shared words, no model", bm25),
    Method(
        "kmeans-index",
        "the same walk over a k-means index of the same labels",
        kmeans_index,
        walks=True,
        scratch=True,
    ),
    Method("shortlist", "exact search, then the general expert", shortlist, options=("size",)),
    Method("linear", "every label judged by the model, for small label sets", linear, options=("shots",)),
    Method("icxml", "labels written by the model, mapped to the set, ranked", icxml, options=("written",)),
)
METHODS = {method.name: method for method in ALL}


def chosen(given: Sequence[str]) -> list[Chosen]:
    """Find methods by what a person wrote; raises InputError for a name or a setting that is not there."""
    found = [one(each.strip()) for each in given if each.strip()]
    if not found:
        raise InputError(f"no method is named; there are: {', '.join(METHODS)}")
    titles = [each.title for each in found]
    if len(set(titles)) < len(titles):
        raise InputError(f"a method stands twice in {', '.join(titles)!r}; name each once")
    return found


def one(given: str) -> Chosen:
    """Read `NAME` or `NAME:KEY=VALUE:KEY=VALUE`; raises InputError."""
    name, *pairs = given.split(":")
    method = METHODS.get(name)
    if method is None:
        raise InputError(f"there is no method {name!r}; there are: {', '.join(METHODS)}")
    allowed = [*(WalkConfig.model_fields if method.walks else ()), *method.options]
    own: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or key not in allowed:
            raise InputError(
                f"{pair!r} cannot follow {name!r}: write {name}:KEY=VALUE with a key of "
                f"{', '.join(allowed) or '(it has none)'}"
            )
        own[key] = value
    return Chosen(given, method, own)
