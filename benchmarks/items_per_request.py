"""The price of `[vocabulary] items_per_request`: requests and tokens of an assignment, counted without a model.

    python benchmarks/items_per_request.py [--items 1000] [--per-request 1,2,5,10,20]

`--items` products are put on a vocabulary of one level, as `taxonaut vocabulary assign` does it; a scripted model
answers, and each request is counted as `openai/gpt-4.1-mini` would read it. *Shared* is the beginning that all
requests have in common, which a server with prefix caching reads once.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from annotate import drawn, products

from common import print_markdown

MODEL = "openai/gpt-4.1-mini"
HEADER = [
    "items a request",
    "requests",
    "tokens read",
    "an item",
    "of them shared",
    "tokens written",
    "an item",
]


def measure(folder: Path, items: int, per_request: int) -> list[str]:
    """Assign a vocabulary and return a line of the table."""
    from taxonaut import Workspace
    from taxonaut.models.scripted import ScriptedModel
    from taxonaut.models.settings import ModelSettings
    from taxonaut.models.token_count import counter_for, prompt_tokens
    from taxonaut.state.records import Tree

    settings = ModelSettings(model=MODEL)
    count = counter_for(settings)
    read, shared, written = [], [], []

    def answer(request: Any) -> dict[str, Any]:
        given = {**{str(at): [1] for at in range(1, len(request.texts) + 1)}, "why": ""}
        read.append(prompt_tokens(request, settings, count))
        shared.append(count(f"{request.system}\n\n{request.context}"))
        written.append(count(json.dumps(given)))
        return given

    models: Any = {"annotator": ScriptedModel(rule=answer)}
    with Workspace.init(folder, models=models, vocabulary={"items_per_request": per_request}) as workspace:
        workspace.index.load_tree(Tree("vocabulary", *drawn(), ()))
        workspace.assign_vocabulary(products(items))
    return [
        str(per_request),
        f"{len(read):,}",
        f"{sum(read):,}",
        f"{sum(read) / items:.0f}",
        f"{sum(shared) / sum(read):.0%}",
        f"{sum(written):,}",
        f"{sum(written) / items:.0f}",
    ]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=1000, help="items to assign (default 1000)")
    parser.add_argument("--per-request", default="1,2,5,10,20", help="items in a request, by commas")
    options = parser.parse_args()
    rows = [HEADER]
    with tempfile.TemporaryDirectory() as scratch:
        for number in map(int, options.per_request.split(",")):
            rows.append(measure(Path(scratch, str(number)), options.items, number))
    print_markdown(rows)


if __name__ == "__main__":
    main()
