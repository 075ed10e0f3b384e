"""Baselines trained on words and character n-grams: fastText, and a linear SVM on TF-IDF."""

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
"""Learning rates to try until training does not diverge: long texts need a high one, short ones a low one."""

FASTTEXT: dict[str, Any] = {"dim": 50, "wordNgrams": 2, "minn": 0, "maxn": 0, "bucket": 200_000}
"""fastText's other settings. Training uses one thread, to be reproducible."""

SVM_C = 1.0
SVM_TOLERANCE = 0.1
SVM_WORDS, SVM_PIECES = 2, 3
"""Minimum document frequency of words and character n-grams; rarer ones only cost time."""

SVM_FEW = 100
"""With fewer products, all features are kept."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PREFIX = "__label__"


async def fasttext(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Train fastText's classifier (Joulin et al. 2017) on words and bigrams, with a softmax over the classes.

    Options: `epochs`, `rate`. Probabilities are not calibrated.
    """
    epochs = settings.own_number("epochs", FASTTEXT_EPOCHS)
    rates = (settings.own_amount("rate", 0.0),) if "rate" in settings.own else FASTTEXT_RATES
    own = {"epochs": epochs, "rates": rates, **FASTTEXT}

    def learn(products: Products) -> Scorer:
        return learn_fasttext(products, epochs, rates)

    return await supervised(workspace, items, settings, "fasttext", own, learn)


def learn_fasttext(products: Products, epochs: int, rates: Sequence[float]) -> Scorer:
    """Train with the first rate that does not diverge. Raises InputError if all diverge.

    The library reads its training data from a file, a temporary one here.
    """
    try:
        import floret
    except ImportError:
        raise MissingExtraError("floret", EXTRA) from None

    model = None
    with tempfile.TemporaryDirectory(prefix="taxonaut-") as folder:
        file = Path(folder) / "products.txt"
        file.write_text("".join(map(training_line, products.texts, products.targets)), encoding="utf-8")
        for rate in rates:
            with suppress(RuntimeError):  # "Encountered NaN."
                model = floret.train_supervised(
                    str(file), epoch=epochs, lr=rate, thread=1, verbose=0, minCount=1, **FASTTEXT
                )
                break
    if model is None:
        raise InputError(
            f"fastText diverges on these products at rate={rates[-1]:g}; give a lower rate, such as "
            f"fasttext:rate={rates[-1] / 4:g}"
        )

    def scores(texts: Sequence[str]) -> Matrix:
        found = np.full((len(texts), len(products.classes)), -np.inf, dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            # Bypasses floret's `predict`: with NumPy 2 it fails on a string, and on a list of strings it gives
            # every label the probability of the first.
            for probability, name in model.f.predict(f"{tokenize(text)}\n", len(row), 0.0, "replace"):
                row[int(name.removeprefix(_PREFIX))] = min(probability, 1.0)
        return found

    return scores


def training_line(text: str, target: Sequence[int]) -> str:
    """Return a product as a line of fastText's input; the text is tokenized so that it cannot contain a label."""
    return f"{' '.join(f'{_PREFIX}{column}' for column in target)} {tokenize(text)}\n"


def tokenize(text: str) -> str:
    """Case-fold a text and separate words and punctuation by spaces."""
    valid = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(_TOKEN.findall(valid.casefold().replace("_", " ")))


async def tfidf_svm(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Train a one-vs-rest linear SVM on TF-IDF of words, bigrams and character n-grams.

    Option: `C`. Classes are ranked by margin, which is no probability.
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
    """Fit the SVM on TF-IDF of word 1- and 2-grams and character 3- to 5-grams."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC
    except ImportError:
        raise MissingExtraError("scikit-learn", EXTRA) from None
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_products(products, SVM_WORDS))
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=min_products(products, SVM_PIECES)
    )
    model = make_pipeline(make_union(words, pieces), LinearSVC(C=strength, tol=SVM_TOLERANCE))
    places, columns = products.rows()
    try:
        model.fit([products.texts[place] for place in places], columns)
    except ValueError as error:
        raise InputError(
            f"'tfidf-svm' cannot be trained on these examples: {error}; give examples that contain words"
        ) from None

    def scores(texts: Sequence[str]) -> Matrix:
        margins = np.asarray(model.decision_function(list(texts)), dtype=np.float32)
        return margins if margins.ndim == 2 else np.column_stack([-margins, margins])

    return scores


def min_products(products: Products, wanted: int) -> int:
    """Return the minimum document frequency of a feature."""
    return wanted if len(products.texts) >= SVM_FEW else 1
