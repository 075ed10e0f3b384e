"""Options that say how a file of users' histories is laid out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut import recommend
from taxonaut.cli.shared.file_options import EncodingOption, FormatOption, column

if TYPE_CHECKING:
    from taxonaut.recommend.histories import Histories, UnknownItems


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """How a file of events is laid out. Empty column names stand for the usual ones, such as `user_id`."""

    user_column: Annotated[str, column("--user-column", "the user; usual names are found")] = ""
    item_column: Annotated[
        str, column("--item-column", "the item's id, or a list of them; usual names are found")
    ] = ""
    time_column: Annotated[
        str, column("--time-column", "the time: a number or an ISO date; usual names are found")
    ] = ""
    unknown_items: Annotated[
        str,
        typer.Option(
            "--unknown-items",
            metavar="drop|keep|refuse",
            help="What becomes of events with items that the vocabulary does not have; they are counted in any case.",
        ),
    ] = "drop"
    format: FormatOption = None
    encoding: EncodingOption = "utf-8"

    def read(self, file: str, known: Collection[str]) -> Histories:
        """Read the file; see `read_histories`."""
        unknown: UnknownItems = self.unknown_items  # type: ignore[assignment]  # checked by read_histories
        columns = recommend.HistoryColumns(self.user_column, self.item_column, self.time_column)
        return recommend.read_histories(
            file, known, columns, unknown=unknown, format=self.format, encoding=self.encoding
        )
