"""How a trained expert is shown: the lines after a training, the table of all, the model card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import counted, styled

if TYPE_CHECKING:
    from taxonaut.workspace.expert.experts import ExpertCard

KINDS = {"head": "a head on embeddings", "encoder": "a fine-tuned encoder"}
SHARES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "calibration_error": "calibration error"}
WORDS = {
    **SHARES,
    "products": "products learned from",
    "dev": "products kept to judge by",
    "dev_given": "given to judge by",
    "without_examples": "categories without a product",
    "one_example": "categories with one product",
    "several_categories": "products in several categories",
    "inner_categories": "categories with others below",
    "contradicting_texts": "texts in contradicting categories",
    "epochs": "passes of the head",
    "before_scaling": "calibration error before scaling",
    "fused": "among similarities:",
    "p1_similarity": "P@1 by similarity",
    "p1_expert": "P@1 by the expert",
    "p1_both": "P@1 by both",
}


def card_row(card: ExpertCard, folder: Path) -> dict[str, Any]:
    """Return a model card as JSON has it."""
    row = asdict(card)
    return {"number": row.pop("number"), "made": row.pop("made"), "folder": str(folder), **row}


def describe_training(card: ExpertCard, folder: Path, session: Session) -> Iterator[str]:
    """Summarize a training, and say what to do next."""
    data, metrics = card.data, card.metrics
    line = f"trained expert {card.number} ({KINDS.get(card.kind, card.kind)})"
    if "products" in data:
        products = data["products"] + (0 if data.get("dev_given") else data.get("dev", 0))
        line += f" on {counted(products, 'product')} of {count_categories(data.get('categories', 0))}"
    yield line + (f" in {metrics['seconds']:,.1f} s" if "seconds" in metrics else "")
    for note in data.get("notes", ()):
        yield f"  {note}"
    if reason := card.settings.get("no_onnx"):
        yield f"  classifying takes PyTorch (taxonaut[train]), as there is no ONNX graph of the encoder: {reason}"
    judged = [f"{word} {metrics[name]:.1%}" for name, word in SHARES.items() if name in metrics]
    if judged:
        yield f"{describe_test_items(data)}: {', '.join(judged)}"
    yield f"kept in {folder}; its model card: {session.again(f'expert show {card.number}')}"
    yield f"next: {session.again('categorize FILE')}"


def describe_test_items(data: Mapping[str, Any]) -> str:
    """Say which products the metrics are of."""
    if dev := data.get("dev", 0):
        return f"{counted(dev, 'product')} {'given to judge by' if data.get('dev_given') else 'held out'}"
    return f"{counted(data.get('products', 0), 'product')}, each held out in its turn"


def count_categories(count: int) -> str:
    """Write a number of categories."""
    return f"{count:,} {'category' if count == 1 else 'categories'}"


def card_table(cards: list[ExpertCard]) -> Table:
    """Return all experts as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("expert", justify="right")
    table.add_column("trained (UTC)")
    table.add_column("kind")
    for name in ("products", "categories", *SHARES.values()):
        table.add_column(name, justify="right")
    for card in cards:
        numbers = [
            f"{card.data[name]:,}" if name in card.data else "–" for name in ("products", "categories")
        ]
        shares = [f"{card.metrics[name]:.1%}" if name in card.metrics else "–" for name in SHARES]
        cells = [str(card.number), format_time(card.made), card.kind, *numbers, *shares]
        table.add_row(*(styled(cell) for cell in cells))
    return table


def format_time(made: str) -> str:
    """Write a time to the minute."""
    return made[:16].replace("T", " ")


def print_card(console: Console, card: ExpertCard, folder: Path) -> None:
    """Print a model card."""
    kind = KINDS.get(card.kind, card.kind)
    console.print(styled(f"expert {card.number}, {kind}, trained {format_time(card.made)} UTC", "bold"))
    console.print(styled(str(folder), "dim"))
    sections = (
        ("Data", card.data, format_key),
        ("Settings", card.settings, str),
        (f"Measured on {describe_test_items(card.data)}", card.metrics, format_key),
    )
    for title, values, naming in sections:
        table = Table(box=None, show_header=False, pad_edge=True)
        shown = {key: each for key, each in values.items() if key != "notes"}
        for name, value in flatten(shown, naming):
            table.add_row(styled(name, "dim"), styled(value))
        console.print()
        console.print(styled(title, "bold"))
        console.print(table)
        for note in values.get("notes", ()):
            console.print(styled(f" {note}", "dim"))


def format_key(key: str) -> str:
    """Return a key of a card in words."""
    return WORDS.get(key, key.replace("_", " "))


def flatten(
    values: Mapping[str, Any], naming: Callable[[str], str], above: str = ""
) -> Iterator[tuple[str, str]]:
    """Give each value with its name, those of tables within as well."""
    for key, value in values.items():
        name = f"{above} {naming(key)}".strip()
        if isinstance(value, Mapping):
            yield from flatten(value, naming, name)
        else:
            yield name, format_value(key, value)


def format_value(key: str, value: Any) -> str:
    """Format a value of a card."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and (key in (*SHARES, "before_scaling") or key.startswith("p1_")):
        return f"{value:.1%}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_value("", each) for each in value)
    return "–" if value in (None, "") else str(value)
