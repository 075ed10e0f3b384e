"""Baselines that learn from words and pieces of words: fastText, and a linear SVM on TF-IDF."""

import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.supervised import Products, Scorer, supervised
from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.records import Item
from taxonaut.workspace.workspace import Workspace

EXTRA = "baselines"

FASTTEXT_EPOCHS = 50
FASTTEXT_RATES = (5.0, 2.0, 1.0, 0.5)
"""Learning rates, the first that training survives: long texts want a high one, at which short ones diverge."""

FASTTEXT: dict[str, Any] = {"dim": 50, "wordNgrams": 2, "minn": 0, "maxn": 0, "bucket": 200_000}
"""fastText's other settings; one thread, so that the same call gives the same model."""

SVM_C = 1.0
SVM_TOLERANCE = 0.1
SVM_WORDS, SVM_PIECES = 2, 3
"""Products that a word, and a piece of one, must stand in: the rarer ones change nothing but the time taken."""

SVM_FEW = 100
"""Fewer products than these are too few to leave anything out."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PREFIX = "__label__"


async def fasttext(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Train fastText's classifier (Joulin et al. 2017) on words and pairs of words, by a softmax over the classes.

    `epochs` and `rate` may follow the name. Its probabilities are as it gives them.
    """
    epochs = settings.own_number("epochs", FASTTEXT_EPOCHS)
    rates = (settings.own_amount("rate", 0.0),) if "rate" in settings.own else FASTTEXT_RATES
    own = {"epochs": epochs, "rates": rates, **FASTTEXT}

    def learn(products: Products) -> Scorer:
        return learn_fasttext(products, epochs, rates)

    return await supervised(workspace, items, settings, "fasttext", own, learn)


def learn_fasttext(products: Products, epochs: int, rates: Sequence[float]) -> Scorer:
    """Train at the first rate that does not diverge, on a temporary file, which is what the library reads.

    Raises InputError where all of them diverge.
    """
    try:
        import floret
    except ImportError:
        raise MissingExtraError("floret", EXTRA) from None

    model = None
    with tempfile.TemporaryDirectory(prefix="taxonaut-") as folder:
        file = Path(folder) / "products.txt"
        file.write_text("".join(map(line, products.texts, products.targets)), encoding="utf-8")
        for rate in rates:
            with suppress(RuntimeError):  # "Encountered NaN."
                model = floret.train_supervised(
                    str(file), epoch=epochs, lr=rate, thread=1, verbose=0, minCount=1, **FASTTEXT
                )
                break
    if model is None:
        raise InputError(
            f"fastText diverges on these products at rate={rates[-1]:g}; give it a lower one, "
            f"such as fasttext:rate={rates[-1] / 4:g}"
        )

    def scores(texts: Sequence[str]) -> Matrix:
        found = np.full((len(texts), len(products.classes)), -np.inf, dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            # What floret's own `predict` calls: that fails with NumPy 2 on a string, and on a list of strings
            # gives every label the probability of the first.
            for probability, name in model.f.predict(f"{tokens(text)}\n", len(row), 0.0, "replace"):
                row[int(name.removeprefix(_PREFIX))] = min(probability, 1.0)
        return found

    return scores


def line(text: str, target: Sequence[int]) -> str:
    """Write a product as fastText reads it: what looks like a label in the text cannot be one."""
    return f"{' '.join(f'{_PREFIX}{column}' for column in target)} {tokens(text)}\n"


def tokens(text: str) -> str:
    """Case-fold a text and part its words from its signs by spaces."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(_TOKEN.findall(valid.casefold().replace("_", " ")))


async def tfidf_svm(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Train a linear SVM, one class against the rest, on TF-IDF of words, pairs of words and character n-grams.

    `C` may follow the name. Classes are ranked by their margins, which are no probabilities.
    """
    own = {"C": settings.own_amount("C", SVM_C)}
    return await supervised(
        workspace,
        items,
        settings,
        "tfidf-svm",
        {**own, "tolerance": SVM_TOLERANCE},
        lambda products: learn_svm(products, own["C"]),
    )


def learn_svm(products: Products, strength: float) -> Scorer:
    """Count words and pairs of words that two products have, and three to five characters that three have."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC
    except ImportError:
        raise MissingExtraError("scikit-learn", EXTRA) from None
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=least(products, SVM_WORDS))
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=least(products, SVM_PIECES)
    )
    model = make_pipeline(make_union(words, pieces), LinearSVC(C=strength, tol=SVM_TOLERANCE))
    places, columns = products.rows()
    try:
        model.fit([products.texts[place] for place in places], columns)
    except ValueError as error:
        raise InputError(
            f"'tfidf-svm' cannot learn these examples: {error}; give examples with words in them"
        ) from None

    def scores(texts: Sequence[str]) -> Matrix:
        margins = np.asarray(model.decision_function(list(texts)), dtype=np.float32)
        return margins if margins.ndim == 2 else np.column_stack([-margins, margins])

    return scores


def least(products: Products, wanted: int) -> int:
    """Return how many products a feature must stand in."""
    return wanted if len(products.texts) >= SVM_FEW else 1
