"""Semantic ids as JSON files: the ids as TIGER-style code reads them, and beside them what their tokens mean."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.index_file import written_whole
from taxonaut.workspace.semantic_ids import PAD, Meaning, SemanticIds, Slot
from taxonaut.workspace.sources import STDIN, open_source

FORMAT = "taxonaut semantic ids"
VERSION = 1


def write_semantic_ids(found: SemanticIds, file: str | Path) -> Path | None:
    """Write `{item: [token, …]}`, and beside it (see `meanings_file`) the slots and what tokens mean.

    Returns the second file; None where `file` is `-`, standard output, which has no place beside it. With
    `.gz` both are compressed.
    """
    path = Path(file)
    with written_whole(path) as raw:
        raw.write(json.dumps(found.ids, ensure_ascii=False).encode() + b"\n")
    if str(path) == STDIN:
        return None
    beside = meanings_file(path)
    with written_whole(beside) as raw:
        raw.write(json.dumps(meanings_row(found), ensure_ascii=False, indent=1).encode() + b"\n")
    return beside


def meanings_file(path: Path) -> Path:
    """Return the file beside one of ids: of `ids.json` it is `ids.vocabulary.json`."""
    packed = path.suffix.lower() == ".gz"
    name = path.with_suffix("").name if packed else path.name
    stem = name[: -len(".json")] if name.lower().endswith(".json") else name
    return path.with_name(f"{stem}.vocabulary.json{'.gz' if packed else ''}")


def meanings_row(found: SemanticIds) -> dict[str, Any]:
    """Return slots, the pad and the table of tokens as JSON has them."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "pad": PAD,
        "slots": [
            {"name": slot.name, "kind": slot.kind, "letter": slot.letter, "size": slot.size, "used": used}
            for slot, used in zip(found.slots, found.used, strict=True)
        ],
        "tokens": {
            token: {"node": meaning.node, "name": meaning.name, "path": list(meaning.path)}
            for token, meaning in found.meanings.items()
        },
    }


def read_semantic_ids(file: str | Path) -> SemanticIds:
    """Read what `write_semantic_ids` wrote, from both files. Raises InputError that says which cannot be used."""
    path = Path(file)
    ids = _object(path)
    row = _object(meanings_file(path))
    if row.get("format") != FORMAT or row.get("version") != VERSION:
        raise InputError(
            f"{str(meanings_file(path))!r} has format {row.get('format')!r}, version {row.get('version')!r}; it "
            f"must be {FORMAT!r}, {VERSION}, as taxonaut vocabulary export writes it"
        )
    try:
        slots = tuple(Slot(each["name"], each["kind"], each["letter"], each["size"]) for each in row["slots"])
        meanings = {
            token: Meaning(NodeId(each["node"]), each["name"], tuple(each["path"]))
            for token, each in row["tokens"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{str(meanings_file(path))!r} is damaged ({error!r}); export it again") from None
    resolvers = {
        slot.token(number) for slot in slots if slot.kind == "resolver" for number in range(slot.size)
    }
    known = {PAD, *meanings, *resolvers}
    for item, tokens in ids.items():
        if (
            not isinstance(tokens, list)
            or len(tokens) != len(slots)
            or not all(isinstance(token, str) and token in known for token in tokens)
        ):
            raise InputError(
                f"{str(path)!r} gives {item!r} {tokens!r}, not a known token for each of {len(slots)} slots; "
                "export it again"
            )
    return SemanticIds(slots, meanings, {ItemId(item): tuple(tokens) for item, tokens in ids.items()})


def _object(path: Path) -> Mapping[str, Any]:
    """Read a file that is one JSON object."""
    with open_source(path, "json").open_text() as text:
        try:
            found = json.load(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{str(path)!r} holds no JSON object, but {type(found).__name__}; export it again")
    return found
