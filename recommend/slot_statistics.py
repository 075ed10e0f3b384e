"""How semantic ids use their slots: collisions, balance and entropy, a row a slot."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.workspace.vocabulary.semantic_ids import PAD, SemanticIds


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slot of all items' ids, and the ids up to and with it.

    `size` is how many tokens the slot can have, None where that is not known; `used` how many it has, pads left out.
    `pads` and `near` are items with a pad, and with a descriptor that does not fit but is near. `entropy` is that of
    the slot's tokens in bits, the pad counted as one of them; `given_before` that of the tokens given those of the
    slots before, which is what a model has left to decide. `balance` is `entropy` divided by that of as many tokens
    used equally often: 1 is even, 0 one token for all. `largest` is the share of the most frequent token.

    `prefixes` different prefixes end with the slot; `collisions` items have that of an earlier item, and
    `largest_group` is the most items with one prefix.
    """

    slot: str
    kind: str
    size: int | None
    used: int
    pads: int
    near: int
    entropy: float
    given_before: float
    balance: float
    largest: float
    prefixes: int
    collisions: int
    largest_group: int


def slot_table(ids: SemanticIds | Mapping[Any, Sequence[str]]) -> list[SlotRow]:
    """Return a row for each slot of `{item: [token, …]}`, in order.

    Raises InputError for no items, or ids of different length.
    """
    tokens = list(ids.ids.values() if isinstance(ids, SemanticIds) else ids.values())
    lengths = {len(row) for row in tokens}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(
            f"the ids of {len(tokens):,} items have {sorted(lengths)} tokens; give one item at least, and as many "
            "tokens for each"
        )
    near = (
        {token for token, meaning in ids.meanings.items() if meaning.nearest}
        if isinstance(ids, SemanticIds)
        else set()
    )
    rows, items, before = [], len(tokens), 0.0
    for place in range(lengths.pop()):
        slot = ids.slots[place] if isinstance(ids, SemanticIds) else None
        column = Counter(row[place] for row in tokens)
        prefixes = Counter(tuple(row[: place + 1]) for row in tokens)
        bits, joint = _entropy(column), _entropy(prefixes)
        rows.append(
            SlotRow(
                slot=slot.name if slot else str(place + 1),
                kind=slot.kind if slot else "token",
                size=slot.size if slot else None,
                used=len(column) - (PAD in column),
                pads=column[PAD],
                near=sum(count for token, count in column.items() if token in near),
                entropy=round(bits, 6),
                given_before=round(abs(joint - before), 6),
                balance=round(bits / math.log2(len(column)), 6) if len(column) > 1 else 0.0,
                largest=round(max(column.values()) / items, 6),
                prefixes=len(prefixes),
                collisions=items - len(prefixes),
                largest_group=max(prefixes.values()),
            )
        )
        before = joint
    return rows


def _entropy(counts: Counter[Any]) -> float:
    """Return the entropy in bits of a distribution given by counts."""
    whole = counts.total()
    return -sum(count / whole * math.log2(count / whole) for count in counts.values()) or 0.0


def slot_rows_csv(rows: Sequence[SlotRow]) -> str:
    """Return the table as CSV, with the names of `SlotRow` as its header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(SlotRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return text.getvalue()


def slot_rows_json(rows: Sequence[SlotRow]) -> bytes:
    """Return the table as a JSON list of objects."""
    return json.dumps([asdict(row) for row in rows], indent=1).encode() + b"\n"


def slot_rows_text(rows: Sequence[SlotRow]) -> list[str]:
    """Return the table as lines of text, columns aligned."""
    head = (
        "slot", "size", "used", "pads", "near", "entropy", "given before", "balance", "largest", "prefixes",
        "collisions", "largest group",
    )  # fmt: skip
    cells = [
        (
            row.slot,
            "?" if row.size is None else f"{row.size:,}",
            f"{row.used:,}",
            f"{row.pads:,}",
            f"{row.near:,}",
            f"{row.entropy:.2f}",
            f"{row.given_before:.2f}",
            f"{row.balance:.2f}",
            f"{row.largest:.1%}",
            f"{row.prefixes:,}",
            f"{row.collisions:,}",
            f"{row.largest_group:,}",
        )
        for row in rows
    ]
    widths = [max(len(row[place]) for row in (head, *cells)) for place in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *cells)
    ]
