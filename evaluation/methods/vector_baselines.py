"""Baselines trained on the workspace's vectors: nearest neighbours, and logistic regression."""

from collections.abc import Sequence

import numpy as np

from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.supervised import Products, Scorer, supervised
from taxonaut.evaluation.methods.text_baselines import EXTRA
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.records import Item
from taxonaut.workspace.workspace import Workspace

NEIGHBOURS = 10
SHARPNESS = 0.05
"""A neighbour's vote is exp(cosine / SHARPNESS): 0.05 less similarity is about a third of the vote."""

HEAD_C = 30.0
HEAD_STEPS = 300


async def knn(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Rank classes by the weighted votes of the nearest products (kNN). Option: `k`.

    Scores are shares of the votes; classes without votes are not ranked.
    """
    k, lookup = settings.own_number("k", NEIGHBOURS), workspace.wiring.stored
    own = {"k": k, "sharpness": SHARPNESS}
    return await supervised(
        workspace,
        items,
        settings,
        "knn",
        own,
        lambda products: learn_neighbours(products, lookup, k),
    )


def learn_neighbours(products: Products, vectors: StoredEmbedder, k: int) -> Scorer:
    """Index the products' vectors for exact search."""
    try:
        from sklearn.neighbors import NearestNeighbors
    except ImportError:
        raise MissingExtraError("scikit-learn", EXTRA) from None
    places, columns = products.rows()
    known = vectors.lookup(products.texts)[places]
    search = NearestNeighbors(n_neighbors=min(k, len(known)), metric="cosine", algorithm="brute").fit(known)

    def scores(texts: Sequence[str]) -> Matrix:
        far, near = search.kneighbors(vectors.lookup(texts))
        votes = np.exp((far.min(axis=1, keepdims=True) - far) / SHARPNESS)
        shares = np.zeros((len(texts), len(products.classes)), dtype=np.float32)
        np.add.at(shares, (np.arange(len(texts))[:, None], columns[near]), votes)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[shares == 0] = -np.inf
        return shares

    return scores


async def linear_head(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Train a multinomial logistic regression on the products' vectors. Option: `C`."""
    strength, lookup = settings.own_amount("C", HEAD_C), workspace.wiring.stored
    return await supervised(
        workspace,
        items,
        settings,
        "linear-head",
        {"C": strength},
        lambda products: learn_head(products, lookup, strength),
    )


def learn_head(products: Products, vectors: StoredEmbedder, strength: float) -> Scorer:
    """Fit by L-BFGS; probabilities are not calibrated."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise MissingExtraError("scikit-learn", EXTRA) from None
    places, columns = products.rows()
    model = LogisticRegression(C=strength, max_iter=HEAD_STEPS, tol=1e-3)
    model.fit(vectors.lookup(products.texts)[places], columns)

    def scores(texts: Sequence[str]) -> Matrix:
        return np.asarray(model.predict_proba(vectors.lookup(texts)), dtype=np.float32)

    return scores
