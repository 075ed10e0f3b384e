"""Broken files for every command that reads one: refused by its name or read, never a crash, and nothing changes."""

import gzip
import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack.callers import NAMES as CATEGORY_NAMES
from attack.callers import by_words, fill
from attack.histories import facts
from attack.hostile import NAMES
from attack.report import Report
from fakes import in_every_role, packaged_embedder
from shop_expert import WordExpert
from typer.testing import CliRunner

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.eject import eject
from taxonaut.state.db.connection import Database
from taxonaut.state.index.index import Index
from taxonaut.workspace.workspace import Workspace

REFUSED = (2, 3)
READ = (0, 4, 6)
"""Exit codes of a command that could read its file: all is well, or a model had no answer for what is in it."""

Make = Callable[[random.Random, "Command"], bytes | None]


@dataclass(frozen=True)
class Command:
    """A command; FILE stands for the file. `columns` and `rows` are those of a good one, `base` is its workspace."""

    name: str
    arguments: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    base: str = "labels"
    suffixes: tuple[str, ...] = (
        ".csv",
        ".tsv",
        ".jsonl",
        ".json",
        ".txt",
        ".parquet",
        ".csv.gz",
        ".jsonl.gz",
    )
    changes: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of broken file. `refused`: no command can read such a file; else it may be read, too."""

    name: str
    make: Make
    suffixes: tuple[str, ...]
    refused: bool = True


def run(count: int, seed: int, folder: Path, report: Report) -> None:
    """Give so many files to the commands, every kind to every command before any comes again."""
    chance = random.Random(seed)
    bases = {name: prepared(folder / name, name) for name in ("labels", "vocabulary", "empty")}
    before = {name: state(base) for name, base in bases.items()}
    for number, (kind, command, suffix) in enumerate(itertools.islice(cases(chance), count)):
        place = folder / "case"
        place.mkdir()
        file = place / f"file {number}{suffix}"
        drawn = random.Random(f"{seed} {number}")
        content = kind.make(drawn, command)
        if content is not None:
            file.write_bytes(content)
        elif kind.name == "a folder":
            file.mkdir()
        name = f"{kind.name}, {command.name}, {file.name}, seed {seed}"
        base = bases[command.base]
        code = check(report, kind, command, base, file, name)
        now = state(base)
        if now != before[command.base] and (code in REFUSED or not command.changes):
            report.lose(kind.name, f"{name}: the workspace changed (exit code {code})")
        if now != before[command.base]:
            shutil.rmtree(base)
            before[command.base] = state(prepared(base, command.base))
        shutil.rmtree(place)


def cases(chance: random.Random) -> Iterator[tuple[Kind, Command, str]]:
    """Each kind with each command that reads such files, in a drawn order, again and again."""
    pairs = [
        (kind, command)
        for kind in KINDS
        for command in COMMANDS
        if set(kind.suffixes) & set(command.suffixes)
    ]
    while True:
        chance.shuffle(pairs)
        for kind, command in pairs:
            yield kind, command, chance.choice([each for each in kind.suffixes if each in command.suffixes])


def check(report: Report, kind: Kind, command: Command, base: Path, file: Path, name: str) -> int:
    """Call a command with a file; returns its exit code."""
    out = file.parent / "out.jsonl"
    given = [{"FILE": str(file), "OUT": str(out)}.get(each, each) for each in command.arguments]
    result = CliRunner().invoke(app, [*given, "-w", str(base), "--quiet"], obj=objects())
    crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
    code = result.exit_code
    outcome = "refused" if code in REFUSED else "read" if code in READ else "other"
    report.count(kind.name, files=1, **{outcome: 1})
    said = result.stderr.strip()
    if crashed or "please report" in said or "Traceback" in said or outcome == "other":
        report.lose(kind.name, f"{name}: exit code {code}, {said[-300:] or result.exception!r}")
    elif outcome == "refused" and file.name not in said and not about_items(kind, said):
        report.lose(kind.name, f"{name}: its name is not in {said[:300]!r}")
    elif outcome == "read" and kind.refused:
        report.lose(kind.name, f"{name}: it was read")
    left = [each.name for each in file.parent.iterdir() if each not in (file, out)]
    if left or (out.exists() and outcome == "refused"):
        report.lose(kind.name, f"{name}: left {left or out.name}")
    return code


def about_items(kind: Kind, said: str) -> bool:
    """Whether a file could be read, and what is said is about its items as a whole: too few, in one category."""
    return not kind.refused and ("products" in said or "items" in said)


def objects() -> GlobalOptions:
    """Models that answer by the words of the texts."""
    model = ScriptedModel(rule=by_words)
    return GlobalOptions(
        models=in_every_role(model), embedder=packaged_embedder(), classifier=WordExpert(CATEGORY_NAMES)
    )


def prepared(folder: Path, kind: str) -> Path:
    """Make a workspace: with labels and an expert, with a vocabulary, or empty."""
    given = objects()
    with Workspace.init(
        folder, models=given.models, embedder=given.embedder, classifier=given.classifier
    ) as workspace:
        if kind != "empty":
            fill(workspace, labels=kind == "labels")
        template = eject(workspace.prompts, "general_expert/rank")
        template.write_text(template.read_text(encoding="utf-8") + "{# of our own #}", encoding="utf-8")
    return folder


def state(folder: Path) -> Any:
    """What a workspace holds that a broken file could change: its index, its files."""
    with Database.open(folder / "index.duckdb", threads=1) as database:
        index = Index(database)
        files = sorted(path.name for path in folder.iterdir() if path.name != "index.duckdb.wal")
        return facts(index), index.version(), files, (folder / "taxonaut.toml").read_bytes()


# The commands, with good files to start from


TEXTS = tuple(
    (f"i{at}", f"{name} number {at}", label)
    for at, (label, name) in enumerate(list(CATEGORY_NAMES.items())[::5])
)
LABELS = tuple(
    (f"new{number}", f"New things {number}", f"boots > New things {number}") for number in range(8)
)
ITEMS = ("id", "text", "labels")
ITEM_FILE: Mapping[str, Any] = {"columns": ITEMS, "rows": TEXTS}
LABEL_FILE: Mapping[str, Any] = {"columns": ("id", "name", "path"), "rows": LABELS, "changes": True}
GOLD = ("--text-column", "text", "--id-column", "id", "--labels-column", "labels")
COMMANDS = (
    Command("labels import", ("labels", "import", "FILE"), base="empty", **LABEL_FILE),
    Command("labels add", ("labels", "add", "FILE"), **LABEL_FILE),
    Command(
        "index import",
        ("index", "import", "FILE", "--allow-unplaced"),
        suffixes=(".csv", ".jsonl", ".csv.gz", ".jsonl.gz", ".ttl"),
        **LABEL_FILE,
    ),
    Command("classify", ("classify", "FILE", "-o", "OUT"), **ITEM_FILE),
    Command("categorize", ("categorize", "FILE", "-o", "OUT"), **ITEM_FILE),
    Command("evaluate", ("evaluate", "FILE", "--methods", "dense"), **ITEM_FILE),
    Command("vocabulary build", ("vocabulary", "build", "FILE"), base="empty", changes=True, **ITEM_FILE),
    Command(
        "vocabulary assign", ("vocabulary", "assign", "FILE", "-o", "OUT"), base="vocabulary", **ITEM_FILE
    ),
    Command("expert train", ("expert", "train", "FILE"), changes=True, **ITEM_FILE),
    Command("expert audit", ("expert", "audit", "FILE"), changes=True, **ITEM_FILE),
    Command("prompts try", ("prompts", "try", "general_expert/rank", "--on", "FILE"), **ITEM_FILE),
)


# The kinds

TEXT = (".csv", ".tsv", ".jsonl", ".json", ".txt", ".ttl")
JSON = (".jsonl", ".json")
CSV = (".csv", ".tsv")
GZIP = (".csv.gz", ".jsonl.gz")
ANY = (*TEXT, ".parquet", *GZIP)


def good(command: Command, suffix: str = ".csv") -> str:
    """A file that the command reads."""
    if suffix in JSON:
        return "".join(
            json.dumps(dict(zip(command.columns, row, strict=True))) + "\n" for row in command.rows
        )
    return "".join(",".join(row) + "\n" for row in (command.columns, *command.rows))


def of_text(change: Callable[[random.Random, str], bytes], suffix: str = ".csv") -> Make:
    """A good file as text, changed."""
    return lambda chance, command: change(chance, good(command, suffix))


def with_row(chance: random.Random, command: Command, cell: str) -> bytes:
    """JSON lines of which one has a cell as it is given, in JSON."""
    lines = good(command, ".jsonl").splitlines(keepends=True)
    cells = {name: json.dumps(value) for name, value in zip(command.columns, command.rows[0], strict=True)}
    cells[chance.choice(command.columns)] = cell
    broken = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in cells.items()) + "}\n"
    lines.insert(chance.randrange(len(lines) + 1), broken)
    return "".join(lines).encode()


def cell(value: str) -> Make:
    """JSON lines with this cell in one row."""
    return lambda chance, command: with_row(chance, command, value)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Bytes of which a few are others, gone or doubled."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed))
        how = chance.randrange(3)
        if how == 0:
            changed[at] = chance.randrange(256)
        elif how == 1:
            del changed[at : at + chance.randint(1, 9)]
            changed = changed or bytearray(b"\n")
        else:
            changed[at:at] = chance.choice(
                [b'"', b"\0", b"\n", b"\r", b",", b"{", b"\\", b"\xff", b"\xe2\x80\xa8"]
            )
    return bytes(changed)


def ragged(chance: random.Random, text: str) -> bytes:
    lines = text.splitlines()
    at = chance.randrange(1, len(lines))
    lines[at] = chance.choice([lines[at] + ",more,still more", "alone", ",,,,,,", ""])
    return "\n".join(lines).encode()


KINDS = (
    Kind("no file", lambda chance, command: None, ANY),
    Kind("a folder", lambda chance, command: None, ANY),
    Kind("nothing in it", lambda chance, command: b"", ANY, refused=False),
    Kind("blank lines", lambda chance, command: b"\n \n\n", TEXT, refused=False),
    Kind("header alone", lambda chance, command: ",".join(command.columns).encode(), CSV, refused=False),
    Kind("UTF-16", of_text(lambda chance, text: text.encode("utf-16")), TEXT, refused=False),
    Kind("UTF-32", of_text(lambda chance, text: text.encode("utf-32")), TEXT, refused=False),
    Kind("Latin-1", of_text(lambda chance, text: text.encode() + b"x,caf\xe9 boots,boots\n"), TEXT),
    Kind("cut UTF-8", of_text(lambda chance, text: text.encode() + "é".encode()[:1]), TEXT),
    Kind("half a character", cell('"boots \\ud800"'), JSON, refused=False),
    Kind("NULs", of_text(lambda chance, text: text.replace("t", "\0").encode()), TEXT, refused=False),
    Kind("random bytes", lambda chance, command: b"\x89" + chance.randbytes(5000) + b"\xff", TEXT),
    Kind("random bytes, Parquet", lambda chance, command: chance.randbytes(5000), (".parquet",)),
    Kind("Parquet in name", lambda chance, command: b"PAR1" + chance.randbytes(500) + b"PAR1", (".parquet",)),
    Kind("text as Parquet", of_text(lambda chance, text: text.encode()), (".parquet",)),
    Kind("cut gzip", of_text(lambda chance, text: gzip.compress(text.encode() * 50)[:-20]), GZIP),
    Kind(
        "wrong checksum", of_text(lambda chance, text: gzip.compress(text.encode())[:-8] + b"12345678"), GZIP
    ),
    Kind("text as gzip", of_text(lambda chance, text: text.encode()), GZIP),
    Kind("gzip twice", of_text(lambda chance, text: gzip.compress(gzip.compress(text.encode()))), GZIP),
    Kind("gzip as text", of_text(lambda chance, text: gzip.compress(text.encode())), TEXT),
    Kind("deep JSON", lambda chance, command: b"[" * 200_000, JSON),
    Kind("deep cell", cell("[" * 100_000 + "]" * 100_000), JSON),
    Kind("cut JSON", of_text(lambda chance, text: text.encode()[:-9], ".jsonl"), (".jsonl",)),
    Kind("long number", cell("1" * 6000), JSON, refused=False),
    Kind("no number", cell(random.Random(1).choice(["NaN", "Infinity", "1e999"])), JSON, refused=False),
    Kind("nested cell", cell('{"a": [1, {"b": null}]}'), JSON, refused=False),
    Kind("null cell", cell("null"), JSON, refused=False),
    Kind("JSON of another shape", lambda chance, command: b'{"a": 1}', JSON, refused=False),
    Kind("JSON values", lambda chance, command: b'1\n"a"\n[2]\nnull\n', JSON, refused=False),
    Kind("ragged rows", of_text(ragged), CSV, refused=False),
    Kind(
        "open quote",
        of_text(lambda chance, text: text.replace("boots", '"boots', 1).encode()),
        CSV,
        refused=False,
    ),
    Kind(
        "huge cell",
        of_text(lambda chance, text: text.encode() + b"x," + b"boots " * 60_000),
        CSV,
        refused=False,
    ),
    Kind(
        "equal columns",
        of_text(lambda chance, text: b"id,id,text,text\n" + text.encode()),
        CSV,
        refused=False,
    ),
    Kind("equal rows", of_text(lambda chance, text: text.encode() + text.encode()), CSV, refused=False),
    Kind(
        "hostile cells",
        lambda chance, command: with_row(chance, command, json.dumps(chance.choice(NAMES))),
        JSON,
        refused=False,
    ),
    Kind(
        "changed bytes, CSV",
        of_text(lambda chance, text: mutated(chance, text.encode())),
        (*CSV, ".txt", ".ttl"),
        refused=False,
    ),
    Kind(
        "changed bytes, JSON",
        of_text(lambda chance, text: mutated(chance, text.encode()), ".jsonl"),
        JSON,
        refused=False,
    ),
    Kind(
        "changed bytes, gzip",
        of_text(lambda chance, text: mutated(chance, gzip.compress(text.encode()))),
        GZIP,
        refused=False,
    ),
)
