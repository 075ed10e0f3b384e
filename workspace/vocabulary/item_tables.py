"""Write tagged items as Parquet, as RecBole's item file, or as plain JSON and CSV."""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.files.parquet import jsonl_to_parquet
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import PAD, SemanticIds

_NUMBERS = ("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "-NaN", "-nan", "NaN", "nan")
_BLANKS = ("", "#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "n/a", "NULL", "null", "None")
READ_AS_MISSING = frozenset((*_BLANKS, *_NUMBERS))
"""Texts that pandas, and so RecBole, reads as missing values."""


def write_parquet(vocabulary: Vocabulary, ids: SemanticIds, raw: BinaryIO, folder: Path) -> None:
    """Write a row an item: its tokens, their numbers, and names. `folder` takes what is written on the way.

    Columns: `item_id`; for each slot its token, such as `l1`, and the token's number, `l1_number`, without one
    where padded; `path`, the names coarse to fine; `further`, a path for every further descriptor that fits,
    those without a slot included.
    """
    import duckdb

    columns = {"item_id": "VARCHAR"}
    for slot in ids.slots:
        columns |= {slot.name: "VARCHAR", f"{slot.name}_number": "INTEGER"}
    columns |= {"path": "VARCHAR[]", "further": "VARCHAR[][]"}
    with TemporaryDirectory(dir=folder, prefix=".taxonaut-") as scratch:
        lines, parquet = Path(scratch, "rows.jsonl"), Path(scratch, "rows.parquet")
        with lines.open("w", encoding="utf-8") as file:
            for row in parquet_rows(vocabulary, ids):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        try:
            jsonl_to_parquet(lines, parquet, columns)
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from None
        with parquet.open("rb") as made:
            shutil.copyfileobj(made, raw)


def parquet_rows(vocabulary: Vocabulary, ids: SemanticIds) -> Iterator[dict[str, Any]]:
    """Give the rows of `write_parquet`."""
    for row in plain_rows(vocabulary):
        tokens = dict(zip([slot.name for slot in ids.slots], ids.ids[row["item_id"]], strict=True))
        numbers = {f"{name}_number": token_number(token) for name, token in tokens.items()}
        yield {"item_id": row["item_id"], **tokens, **numbers, "path": row["path"], "further": row["further"]}


def token_number(token: str) -> int | None:
    """Return the number in a token; None for the pad."""
    return None if token == PAD else int(token[1:-1].rpartition("_")[2])


def write_recbole(vocabulary: Vocabulary, ids: SemanticIds, raw: BinaryIO) -> int:
    """Write RecBole's atomic item file; return the number of items whose id it reads as missing.

    Columns: `item_id:token`, a `token` for each slot, `semantic_id:token_seq` with the tokens except pads, and
    `class:token_seq` with the names of the path. Sequences are separated by spaces, so spaces in names become
    `_`. Cells are quoted for pandas, which reads ids such as `NA`, or an empty one, as missing.
    """
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    minimal = csv.writer(text, delimiter="\t", lineterminator="\n")
    whole = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
    head = ["item_id:token", *(f"{slot.name}:token" for slot in ids.slots)]
    minimal.writerow([*head, "semantic_id:token_seq", "class:token_seq"])
    lost = 0
    for row in plain_rows(vocabulary):
        tokens = ids.ids[row["item_id"]]
        sequence = " ".join(token for token in tokens if token != PAD)
        names = " ".join("_".join(name.split()) for name in row["path"])
        writer = whole if "\r" in row["item_id"] else minimal
        writer.writerow([row["item_id"], *tokens, sequence, names])
        lost += row["item_id"] in READ_AS_MISSING
    text.detach()
    return lost


def write_plain_json(vocabulary: Vocabulary, raw: BinaryIO) -> None:
    """Write one object, `{item_id: [name, …]}`, with the names of each path, coarse to fine."""
    write_json_object({row["item_id"]: row["path"] for row in plain_rows(vocabulary)}, raw)


def write_json_object(found: Mapping[ItemId, Any], raw: BinaryIO) -> None:
    """Write one JSON object, a line per key."""
    rows = (
        f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in found.items()
    )
    raw.write(("{\n" + ",\n".join(rows) + "\n}\n").encode())


def write_plain_lines(vocabulary: Vocabulary, raw: BinaryIO) -> None:
    """Write a JSON object per item: `item_id`, `path`, and `further` with a path for each further descriptor."""
    for row in plain_rows(vocabulary):
        raw.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def write_plain_csv(vocabulary: Vocabulary, raw: BinaryIO) -> None:
    """Write a row per item: `item_id`, a column per level with the name, and `further` as JSON."""
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    depth = vocabulary.depth
    writer.writerow(["item_id", *(f"l{level}" for level in range(1, depth + 1)), "further"])
    for row in plain_rows(vocabulary):
        names = [*row["path"], *[""] * (depth - len(row["path"]))]
        further = json.dumps(row["further"], ensure_ascii=False) if row["further"] else ""
        writer.writerow([row["item_id"], *names, further])
    text.detach()


def plain_rows(vocabulary: Vocabulary) -> Iterator[dict[str, Any]]:
    """Give an item's descriptors by name, in the order of the taggings."""

    def path_of(node: NodeId) -> list[str]:
        return list(vocabulary.by_id[node].path)

    for tagging in vocabulary.taggings:
        names = [vocabulary.by_id[node].node.name for node in tagging.path]
        others = [node for node in dict.fromkeys(tagging.others) if node not in tagging.path]
        yield {"item_id": tagging.item_id, "path": names, "further": [path_of(node) for node in others]}
