"""What keeping prompts and replies costs: seconds and bytes of a classification with and without `[records] texts`.

    python benchmarks/records.py

A scripted model labels made texts over a made tree, so nothing but our own work takes time.
"""

import tempfile
import time
from pathlib import Path

import taxonaut
from common import print_markdown
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item

KINDS = (
    "lamp",
    "table",
    "chair",
    "shelf",
    "clock",
    "vase",
    "rug",
    "mirror",
    "basket",
    "bench",
    "stool",
    "desk",
)
COLOURS = (
    "red",
    "green",
    "blue",
    "black",
    "white",
    "yellow",
    "brown",
    "grey",
    "pink",
    "violet",
    "orange",
    "teal",
)
TEXTS = 300


def first(request: ModelRequest) -> list[int]:
    """Choose the first option."""
    return [request.choices[0].id]


def measure(folder: Path, *, texts: bool) -> list[str]:
    """Label the texts in a new workspace; returns a row of the table."""
    model = ScriptedModel(rule=first)
    models = {"navigator": model, "general_expert": model}
    names = [f"{colour} {kind}" for kind in KINDS for colour in COLOURS]
    with taxonaut.Workspace.init(folder, models=models, records={"texts": texts}) as workspace:
        file = folder / "labels.csv"
        file.write_text("name,path\n" + "".join(f"{each},{each.split()[1]} > {each}\n" for each in names))
        workspace.import_labels(taxonaut.read_labels(file))
        items = [Item(ItemId(str(n)), f"text {n}: " + " ".join(names[n % 97 :][:5])) for n in range(TEXTS)]
        walk = workspace.with_walk(shortlist="tree")
        walk.classify(items[:10])
        started = time.perf_counter()
        walk.classify(items)
        seconds = time.perf_counter() - started
        requests = len(model.history)
    size = (folder / "index.duckdb").stat().st_size
    return [str(texts).lower(), f"{requests:,}", f"{seconds:.1f}", f"{size / 1e6:.1f}"]


def main() -> None:
    """Print the table."""
    rows = [["`texts`", "requests", "seconds", "MB of index.duckdb"]]
    for texts in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(Path(folder) / "shop", texts=texts))
    print_markdown(rows)


if __name__ == "__main__":
    main()
