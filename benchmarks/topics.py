"""BERTopic on the products of amazon-office and the embeddings of benchmarks/recommend, beside a vocabulary.

python -m venv topics && topics/bin/pip install bertopic      # in an environment of its own
python -m benchmarks.recommend.kmeans --data DIR              # writes the embeddings
topics/bin/python benchmarks/topics.py --data DIR --embeddings .build/benchmarks/codes/embeddings_400.npy
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

HEAD = 400
"""Characters of a text, as for the embeddings."""


def main() -> None:
    """Cluster, and print what BERTopic makes of the items."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/amazon-office"))
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--smallest", type=int, default=10, help="min_topic_size, BERTopic's default")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    lines = (options.data / "items.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"][:HEAD] for line in lines]
    vectors = np.load(options.embeddings)
    print("| seed | topics | without a topic | largest topic | median topic |\n|---|---|---|---|---|")
    for seed in range(options.seeds):
        print(row(texts, vectors, options.smallest, seed))


def row(texts: list[str], vectors: np.ndarray, smallest: int, seed: int) -> str:
    """Cluster once, as BERTopic does by default but for the seed of UMAP."""
    from bertopic import BERTopic
    from umap import UMAP

    umap = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
    topics, _ = BERTopic(umap_model=umap, min_topic_size=smallest).fit_transform(texts, vectors)
    sizes = Counter(topics)
    alone = sizes.pop(-1, 0)
    middle = sorted(sizes.values())[len(sizes) // 2]
    return f"| {seed} | {len(sizes)} | {alone / len(texts):.1%} | {max(sizes.values())} | {middle} |"


if __name__ == "__main__":
    main()
