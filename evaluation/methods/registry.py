"""All methods by name, and the parser of `dense` or `navigate:terminals=40:shortlist=tree`."""

from collections.abc import Sequence

from taxonaut.evaluation.methods.dual_expert import dual, expert, general
from taxonaut.evaluation.methods.flat import bm25, dense
from taxonaut.evaluation.methods.icxml import icxml
from taxonaut.evaluation.methods.linear import linear
from taxonaut.evaluation.methods.method import ChosenMethod, Method, Run
from taxonaut.evaluation.methods.text_baselines import fasttext, tfidf_svm
from taxonaut.evaluation.methods.vector_baselines import knn, linear_head
from taxonaut.evaluation.methods.walks import both, kmeans_index, navigate, shortlist, tree
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.config import CategorizeConfig, WalkConfig


def trained_method(name: str, about: str, run: Run, *options: str, probable: bool = True) -> Method:
    """Return a method that is trained on labelled products."""
    return Method(name, about, run, options=options, by_class=True, probable=probable, reads_labels=False)


ALL = (
    Method("navigate", "the walk, as the settings have it", navigate, walks=True),
    Method("tree", "the walk alone", tree, walks=True),
    Method("both", "the walk joined with exact search", both, walks=True),
    Method("dense", "exact search over all labels, no agent", dense, options=("mix",)),
    Method("bm25", "shared words, no model", bm25, reads_labels=False),
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
    Method(
        "expert",
        "the trained domain expert alone",
        expert,
        options=("expert",),
        by_class=True,
        probable=True,
    ),
    Method(
        "dual",
        "the domain expert where it is sure, else the general expert",
        dual,
        options=("expert", *CategorizeConfig.model_fields),
        by_class=True,
    ),
    Method(
        "general",
        "the general expert over the domain expert's candidates",
        general,
        options=("expert", *(name for name in CategorizeConfig.model_fields if name != "threshold")),
        by_class=True,
    ),
    trained_method("fasttext", "words and pairs of words, trained by fastText", fasttext, "epochs", "rate"),
    trained_method(
        "tfidf-svm", "a linear SVM on words and character n-grams", tfidf_svm, "C", probable=False
    ),
    trained_method("knn", "the nearest products by the workspace's vectors", knn, "k"),
    trained_method("linear-head", "a logistic regression on the workspace's vectors", linear_head, "C"),
)
METHODS = {method.name: method for method in ALL}


def parse_methods(given: Sequence[str]) -> list[ChosenMethod]:
    """Parse the methods a user gave. Raises InputError for unknown names or options, and duplicates."""
    found = [parse_method(each.strip()) for each in given if each.strip()]
    if not found:
        raise InputError(f"no method given; choose from {', '.join(METHODS)}")
    titles = [each.title for each in found]
    if len(set(titles)) < len(titles):
        raise InputError(f"duplicate method in {', '.join(titles)!r}; give each once")
    return found


def parse_method(given: str) -> ChosenMethod:
    """Parse `NAME` or `NAME:KEY=VALUE:KEY=VALUE`; raises InputError."""
    name, *pairs = given.split(":")
    method = METHODS.get(name)
    if method is None:
        raise InputError(f"unknown method {name!r}; choose from {', '.join(METHODS)}")
    allowed = [*(WalkConfig.model_fields if method.walks else ()), *method.options]
    own: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or key not in allowed:
            raise InputError(
                f"invalid option {pair!r} of method {name!r}: write {name}:KEY=VALUE with a key of "
                f"{', '.join(allowed) or '(it has none)'}"
            )
        own[key] = value
    return ChosenMethod(given, method, own)
