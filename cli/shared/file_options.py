"""Options that say how a file is laid out, in groups: one dataclass each, shared by the commands that read one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import taxonaut
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.item_input import ItemInput, item_input
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.workspace import files
from taxonaut.workspace.files.sources import STDIN, Format

if TYPE_CHECKING:
    from taxonaut.cli.shared.session import Session
    from taxonaut.state.index.reader import IndexReader
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.files.label_files import LabelFile

FILE_PANEL = "Input file options"
DOCUMENTS = ".txt, .md, .html, .pdf, .docx"
SUFFIXES = ".csv, .tsv, .xlsx, .jsonl, .json, .parquet, .arrow, .txt; of text each also as .gz"


def column(option: str, what: str) -> Any:
    """Make the option that names one column."""
    return typer.Option(option, metavar="NAME", help=f"Column with {what}.", rich_help_panel=FILE_PANEL)


def separator(what: str) -> Any:
    """Make the option that names one separator."""
    return typer.Option(metavar="TEXT", help=f"Separator {what}.", rich_help_panel=FILE_PANEL)


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Format of the file: csv, tsv, jsonl, json, lines, parquet, arrow or excel. Default: by its suffix.",
        rich_help_panel=FILE_PANEL,
        show_default=False,
    ),
]
ItemFormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Format of the file: csv, tsv, jsonl, json, lines, parquet, arrow or excel; document, md, html, pdf or "
        "docx: one text a file. Default: by its suffix.",
        rich_help_panel=FILE_PANEL,
        show_default=False,
    ),
]
EncodingOption = Annotated[
    str,
    typer.Option("--encoding", metavar="NAME", help="Encoding of the file.", rich_help_panel=FILE_PANEL),
]
SheetOption = Annotated[
    str,
    typer.Option(
        "--sheet",
        metavar="NAME",
        help="Sheet of a workbook. Default: the first with usual columns.",
        rich_help_panel=FILE_PANEL,
        show_default=False,
    ),
]
TextColumn = Annotated[
    str,
    column(
        "--text-column",
        "the text; several, divided by commas, are joined. Without a column `text`, one with a usual name is read",
    ),
]
IdColumn = Annotated[
    str, column("--id-column", "the id; without one the file's name and line, as in a.csv:2")
]

TextsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT|FILE|FOLDER|-",
        help=f"Texts; or a file ({SUFFIXES}); or documents, one text each ({DOCUMENTS}): files, a folder or a "
        "pattern; or - for standard input.",
        show_default=False,
    ),
]
LabelledFileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help=f"Items with their labels, as ids, names or paths ({SUFFIXES}), or - for standard input.",
        show_default=False,
    ),
]
LanguageOption = Annotated[
    str,
    typer.Option(
        "--language",
        metavar="TAG",
        help="Show names in this language, where labels from SKOS have them in several.",
        show_default=False,
    ),
]

LabelFileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE|FOLDER|URL",
        help=f"Labels ({SUFFIXES}; plain text has one label a line), a folder of such files, an address (https), or "
        "- for standard input.",
    ),
]


@dataclass(frozen=True, slots=True)
class ItemFileOptions:
    """How a file of items is laid out."""

    text_column: TextColumn = "text"
    id_column: IdColumn = "id"
    sheet: SheetOption = ""
    format: ItemFormatOption = None
    encoding: EncodingOption = "utf-8"
    documents: Annotated[
        bool,
        typer.Option(
            "--documents",
            help="Read each file as one text, also a single .txt file, which is one text a line otherwise.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = False
    html: Annotated[
        bool,
        typer.Option(
            "--html",
            help="Texts are HTML: leave out tags, scripts and styles.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = False

    def read(self, given: Sequence[str]) -> ItemInput:
        """Open texts of the command line, or the file; see `item_input`."""
        columns = files.item_files.ItemColumns(
            id=self.id_column, text=self.text_column, labels="", html=self.html
        )
        return item_input(
            given,
            columns,
            format=self.format,
            encoding=self.encoding,
            documents=self.documents,
            sheet=self.sheet,
        )


@dataclass(frozen=True, slots=True)
class LabelledFileOptions:
    """How a file of items with their labels is laid out."""

    text_column: TextColumn = "text"
    id_column: IdColumn = "id"
    labels_column: Annotated[str, column("--labels-column", "the item's labels: ids, names or paths")] = (
        "labels"
    )
    label_separator: Annotated[str, separator("of several labels in a cell")] = ";"
    sheet: SheetOption = ""
    format: FormatOption = None
    encoding: EncodingOption = "utf-8"

    def read(self, file: str, popularity_column: str = "") -> list[ItemRow]:
        """Read the file whole; `match_gold` then finds the labels that are meant."""
        columns = files.item_files.ItemColumns(
            self.id_column, self.text_column, self.labels_column, self.label_separator, popularity_column
        )
        found = files.item_files.open_items(
            file, columns, format=self.format, encoding=self.encoding, sheet=self.sheet
        )
        for note in found.notes:
            say(f"note: {note}")
        return list(found.rows())


def match_gold(
    session: Session, index: IndexReader, rows: Sequence[ItemRow], *, keep_unknown: bool = False
) -> list[ItemRow]:
    """Find the labels that gold labels mean, and say how they were recognised; see `gold_forms.match_gold`."""
    found, notes = files.gold_forms.match_gold(index, rows, keep_unknown=keep_unknown)
    for note in notes if not session.quiet else ():
        say(f"note: {note}")
    return found


@dataclass(frozen=True, slots=True)
class LabelFileOptions:
    """How a file of labels is laid out."""

    name_column: Annotated[str, column("--name-column", "the name")] = "name"
    id_column: Annotated[str, column("--id-column", "the id; without one the path or name is the id")] = "id"
    path_column: Annotated[str, column("--path-column", "the path to the label, from the top")] = "path"
    parents_column: Annotated[str, column("--parents-column", "the ids of the parents")] = "parents"
    description_column: Annotated[str, column("--description-column", "the description")] = "description"
    alternatives_column: Annotated[
        str,
        column(
            "--alternatives-column",
            "alternative names; by default also columns called altLabel, synonyms, aliases, keywords and the like",
        ),
    ] = "alternatives"
    kind_column: Annotated[str, column("--kind-column", "the kind of row, see --node-kinds")] = "kind"
    path_separator: Annotated[str, separator("of the steps of a path")] = " > "
    parent_separator: Annotated[str, separator("of several parents")] = ";"
    alternative_separator: Annotated[
        str, separator("of several alternative names. Default: line breaks, | or ;, as the column has them")
    ] = ""
    path_to_parent: Annotated[
        bool,
        typer.Option(
            "--path-to-parent",
            help="Paths end at the label's parent, not at the label.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = False
    node_kinds: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="Kinds of rows that are nodes of the tree and not labels.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = "group,node"
    tree: Annotated[
        str,
        typer.Option(
            "--tree",
            metavar="auto|none|codes",
            help="Where the tree is looked for: anywhere, nowhere, or in the codes of the labels.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = "auto"
    names_once: Annotated[
        bool,
        typer.Option(
            "--names-once",
            help="Labels without ids and of one name are one label in several places, as in a thesaurus.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = False
    sheet: SheetOption = ""
    language: Annotated[
        str,
        typer.Option(
            "--language",
            metavar="TAG",
            help="SKOS: language of the names, such as de. Default: that of [labels], else of most names.",
            rich_help_panel=FILE_PANEL,
            show_default=False,
        ),
    ] = ""
    leaves_only: Annotated[
        bool,
        typer.Option(
            "--leaves-only",
            help="SKOS: make concepts with narrower concepts nodes, not labels.",
            rich_help_panel=FILE_PANEL,
        ),
    ] = False
    collections: Annotated[
        bool,
        typer.Option(
            "--collections", help="SKOS: make a branch of every collection.", rich_help_panel=FILE_PANEL
        ),
    ] = False
    format: FormatOption = None
    encoding: EncodingOption = "utf-8"

    def read(
        self,
        file: str,
        *,
        batch: str = "initial",
        elsewhere: Callable[[LabelId], bool] = lambda _: False,
        language: str = "",
    ) -> LabelFile:
        """Read and check the file, the folder or the file at an address; see `read_labels`.

        `language` is that of SKOS where no option names one.
        """
        language = self.language or language
        if files.downloads.is_address(file):
            with files.downloads.downloaded(file) as path:
                return replace(self._read(path, batch, elsewhere, language), name=file)
        if file != STDIN and Path(file).is_dir():
            return files.label_folders.read_label_folder(
                Path(file), lambda path: self._read(path, batch, lambda _: True, language)
            )
        return self._read(file, batch, elsewhere, language)

    def _read(
        self, file: str | Path, batch: str, elsewhere: Callable[[LabelId], bool], language: str
    ) -> LabelFile:
        columns = files.label_files.LabelColumns(
            id=self.id_column,
            name=self.name_column,
            path=self.path_column,
            parents=self.parents_column,
            description=self.description_column,
            alternatives=self.alternatives_column,
            kind=self.kind_column,
            path_separator=self.path_separator,
            parent_separator=self.parent_separator,
            alternative_separator=self.alternative_separator,
            path_to_parent=self.path_to_parent,
            node_kinds=tuple(each.strip() for each in self.node_kinds.split(",")),
        )
        found = taxonaut.read_labels(
            file,
            columns,
            format=self.format,
            encoding=self.encoding,
            batch=batch,
            elsewhere=elsewhere,
            tree=self.tree,
            sheet=self.sheet,
            names_once=self.names_once,
            skos=files.index_formats.skos.SkosOptions(language, self.leaves_only, self.collections),
        )
        if found.rdf is None and (self.language or self.leaves_only or self.collections):
            raise InputError(
                f"{found.name} is {found.reading.format or 'a table'}; --language, --leaves-only and --collections "
                "are for SKOS"
            )
        return found
