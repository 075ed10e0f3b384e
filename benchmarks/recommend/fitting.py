"""The level-1 descriptors that fit each item, as a critique: what somebody who knows the item would say fits.

python -m benchmarks.recommend.fitting --workspace DIR --out fits.json

They are the first of the item's path and the first above each further descriptor that `vocabulary assign --all` gave
it. The tokens are those of `vocabulary export --format semantic-ids`.
"""

import argparse
import json
from pathlib import Path

from taxonaut import Workspace
from taxonaut.workspace.vocabulary.reading import Vocabulary, read_vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import semantic_ids


def fitting(vocabulary: Vocabulary) -> dict[str, list[str]]:
    """Return the tokens of the level-1 descriptors that fit each item; items without any are left out."""
    tokens = {
        meaning.node: token
        for token, meaning in semantic_ids(vocabulary).meanings.items()
        if len(meaning.path) == 1
    }
    found = {}
    for tagging in vocabulary.taggings:
        tops = [tagging.path[0]] if tagging.path else []
        for node in tagging.others:
            while vocabulary.by_id[node].level > 1:
                node = vocabulary.by_id[node].parent
            tops.append(node)
        if tops:
            found[str(tagging.item_id)] = [tokens[node] for node in dict.fromkeys(tops)]
    return found


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    with Workspace.open(options.workspace) as workspace:
        found = fitting(read_vocabulary(workspace))
    options.out.write_text(json.dumps(found), encoding="utf-8")
    mean = sum(map(len, found.values())) / max(1, len(found))
    print(f"wrote {len(found):,} items with {mean:.1f} level-1 descriptors each to {options.out}")


if __name__ == "__main__":
    main()
