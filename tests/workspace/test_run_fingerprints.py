"""What decides whether finished work is done again: the keys of every kind of run, as the index file holds them.

A run continues where a former one stopped if its kind and fingerprint are the same, and passes over the units whose
keys are there. A change of any value below makes existing workspaces ask their models again for what they have. So
these values change only with what they are made of, on purpose: a default setting, a field of a settings table, a
packaged template (its hash is part of most fingerprints, its text of every reply's key).

Two inputs are fixed here, because they change by themselves: the version of taxonaut, which is part of most
fingerprints, and the time at which an expert was trained, which is part of those of `categorize`, of
`evaluate --methods expert` and of walks that the expert has joined. Nothing else depends on the machine: models
answer by rule under a fixed address, and no path takes part.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import duckdb
import pytest
from typer.testing import CliRunner

from taxonaut.cli.main import app
from taxonaut.state import version

pytestmark = pytest.mark.slow

ADDRESS = "http://models.test/v1"
ROLES = ("navigator", "general_expert", "architect", "annotator", "assistant")
SETTINGS = f"""\
[embeddings]
model = "hosted_vllm/words"
api_base = "{ADDRESS}"
""" + "".join(
    f"""
[models.{role}]
model = "hosted_vllm/test"
api_base = "{ADDRESS}"
"""
    for role in ROLES
)


@pytest.fixture(autouse=True)
def _models(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the local server answer for `ADDRESS`, and `vector` embed; hold still what would change by itself."""
    for name in [name for name in os.environ if name.startswith("TAXONAUT_") and name != "TAXONAUT_TRUST"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    ask = litellm.acompletion

    async def complete(**request: Any) -> Any:
        return await ask(**{**request, "api_base": server.url})

    async def embed(**request: Any) -> Any:
        rows = [{"index": at, "embedding": vector(text)} for at, text in enumerate(request["input"])]
        return SimpleNamespace(data=rows)

    monkeypatch.setattr(litellm, "acompletion", complete)
    monkeypatch.setattr(litellm, "aembedding", embed)
    monkeypatch.setattr(version, "VERSION", "0.1.0")
    monkeypatch.chdir(tmp_path)


def vector(text: str) -> list[float]:
    """Texts that share words lie together, the first word counting most; the same numbers everywhere."""
    row = [0.0] * 32
    for place, word in enumerate(text.casefold().replace(">", " ").split()):
        for at, byte in enumerate(hashlib.blake2b(word.encode(), digest_size=32).digest()):
            row[at] += (byte - 127.5) / (place + 1)
    return row


class Made(NamedTuple):
    """A run as the index file holds it."""

    kind: str
    fingerprint: str
    units: frozenset[str]


class Commands:
    """Calls commands on one workspace, and remembers which runs each of them opened first."""

    def __init__(self, folder: str, settings: str = "") -> None:
        self.folder = folder
        self.opened: dict[str, list[int]] = {}
        call("init", folder)
        Path(folder, "taxonaut.toml").write_text(SETTINGS + settings, encoding="utf-8")

    def call(self, *arguments: str) -> None:
        """Call a command on the workspace."""
        call(*arguments, "-w", self.folder)

    def step(self, name: str, *arguments: str) -> None:
        """Call a command whose new runs are those of `name`."""
        known = {run for runs in self.opened.values() for run in runs}
        self.call(*arguments)
        rows = self.rows("SELECT id FROM runs ORDER BY id")
        self.opened[name] = [run for (run,) in rows if run not in known]

    def made(self) -> dict[str, list[Made]]:
        """The runs by the step that opened them, with all units that they have by now."""
        runs = {run: named for run, *named in self.rows("SELECT id, kind, fingerprint FROM runs")}
        units: dict[int, set[str]] = {run: set() for run in runs}
        for run, key in self.rows("SELECT run, key FROM units"):
            units[run].add(key)
        return {
            name: [Made(runs[run][0], runs[run][1], frozenset(units[run])) for run in opened]
            for name, opened in self.opened.items()
        }

    def rows(self, sql: str) -> list[Any]:
        """Read the index file while no command has it open."""
        with duckdb.connect(f"{self.folder}/index.duckdb", read_only=True) as connection:
            return connection.execute(sql).fetchall()


def call(*arguments: str) -> None:
    """Call a command, which must end well."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, (arguments, result.output, result.exception)


def write(name: str, header: str, rows: Mapping[str, str]) -> str:
    """Write a CSV file of ids, each with the rest of its row; returns the file's name."""
    lines = [header, *(f"{id_},{rest}" for id_, rest in rows.items())]
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


LABELS = {
    "shoes": "Running shoes,Sport > Shoes > Running shoes",
    "boots": "Hiking boots,Sport > Shoes > Hiking boots",
    "tents": "Family tents,Sport > Camping > Family tents",
    "apples": "Red apples,Food > Fruit > Red apples",
    "pears": "Green pears,Food > Fruit > Green pears",
}
ITEMS = {"1": "crisp red apples,apples", "2": "boots for long walks,boots"}
PRODUCTS = {
    f"{label}{number}": f"{text} {number},{label}"
    for label, text in {
        "shoes": "fast running shoes",
        "boots": "leather hiking boots",
        "tents": "four family tents",
        "apples": "sweet red apples",
        "pears": "soft green pears",
    }.items()
    for number in range(2)
}


def edit(name: str) -> None:
    """Give the shop a copy of a template with another last block."""
    path = Path("shop", "prompts", f"{name}.j2")
    path.parent.mkdir(parents=True)
    block = "{% block item %}\nThe text: {{ text }}\n{% endblock %}\n"
    path.write_text(f'{{% extends "packaged/{name}.j2" %}}\n{block}', encoding="utf-8")


APPLES, BOOTS = "4c49c9f7bd8b0dab039f5fa032353b97", "c47cdcdc985df959c190cd89d8f9e060"
"""The two items' units: each is made of the item's id and text, and of nothing else."""

LABELLED = frozenset({APPLES, BOOTS})
CATEGORIZED = frozenset({f"d:{APPLES}", f"g:{APPLES}", f"d:{BOOTS}", f"g:{BOOTS}"})
"""What the domain expert and the general expert said of both items."""

DEFINED = frozenset(
    {
        "4d6ea577adc2740b9c53e5d7dd785049",
        "702dc033e6ae5fd02c5042e4d039c8d8",
        "7514aa581def9d6f0c413cd3134de39c",
        "c21d7b21b927369c366673353ec9f92b",
        "d1294d58077186bab327bf2501cab357",
    }
)
"""The five categories' units: each is made of path, neighbours and products."""

SHOP_RUNS = {
    "classify": [Made("classify", "f5c990712f7a08d5c185a810ed1de1b9", LABELLED)],
    "define": [Made("define", "549e3e1eac2cef07e849fd561b7140f7", DEFINED)],
    "categorize": [Made("categorize", "fcac3d2cf24aa8178e7a933bbbcabe51", CATEGORIZED)],
    "audit": [],  # its run is that of the categorization
    # the trained expert has joined the walk and dense retrieval by now: its number and time are in their fingerprints
    "evaluate tree": [Made("classify", "54b230c64cca9891156bf62e5273ff70", LABELLED)],
    "evaluate shortlist": [Made("classify", "ab24865e024e327143c0509a2b2255b9", LABELLED)],
    "evaluate dense": [Made("evaluate", "b9e0d5596219f5704f4896896a0d6445", LABELLED)],
    "evaluate linear": [Made("evaluate", "33faa86518679314a44dcb833b4e87b5", LABELLED)],
    "evaluate icxml": [Made("evaluate", "8e20062d2bdf8507ed1b7027f0a4474b", LABELLED)],
    "evaluate expert": [Made("evaluate", "c3f2f8aa099f1cd4255b2215df25e474", LABELLED)],
    "evaluate general": [],  # its run is that of the categorization
    "evaluate knn": [Made("evaluate", "7e3555f9a0434213a03198a91b4eeb0c", LABELLED)],
    "chat": [
        Made("chat", "37a8eec1ce19687d132fe29051dca629", frozenset()),
        Made("step", "674302962aa66ce0cd635afc77ef528b", frozenset()),
    ],
    "chat again": [],  # a thread has one run, and so have all steps under the same settings
    "try expand": [
        Made("trial", "1118ef8dc3e3ded864a0d87d5e96e53b", LABELLED),
        Made("trial", "9c2253a6c9822a7c09c810ae56b6f40a", LABELLED),
    ],
    "try order": [
        Made("trial", "fcac3d2cf24aa8178e7a933bbbcabe51", CATEGORIZED),
        Made("trial", "86a4b6f835c8faf2430f374994135b12", CATEGORIZED),
    ],
    "define without a language model": [Made("define", "b45ca3b2663fd3bcd3d2bf4f43c1741f", frozenset())],
}

REPLIES = {
    "92bec42a64ca55038af727a9caf874408c0984a9d4fa815648dab69e7767625f",
    "643223fdc078b44061d0b7a0b71a43216547600c848985ff7d2de34c57d988ba",
    "ac02159849450366c67e6875fae24c4372dc430990c888f9049ee2b4e0b3bbae",
    "332afe8c79adb516a8d94717d76e038c12dfa7252190626c74732606931f0978",
}
"""The keys of the navigator's replies about both items. Other agents' prompts follow from scores, which may round."""

VECTORS = {
    (f"hosted_vllm/words at {ADDRESS}", key)
    for key in (
        "0BFB07914C18A1C0AF85ABA9CCD7FBA7",
        "13FB12D5594163F163991283FC9EB25F",
        "3AE0879CF57BC450EFD42D93E7D43DA6",
        "433A514547D72738F5DBD7A7B1BF95CA",
        "7B4F081D25C7014B0DC33576A370F3F4",
        "877CE4142323B92D83A4A9F6F78FA0FD",
        "A77400BE2A477E7F03E0F13C7CC5AA04",
        "B1513002A914B7F7EA6B7E12C937C39E",
        "DCCAA8AC884BA5584B862B314661CC7E",
        "F4ED3A5DFA8C537359C73CC9F928F545",
    )
}
"""The embedder at its server, and the keys of the labels' texts and names, after a classification."""

DEFINITIONS = {
    ("shoes", "e58c0e9b78299e19d39fff6456418e54"),
    ("boots", "bd96d9a8a17a5eabe61593a2764a44f9"),
    ("tents", "db347aa331f500382ec15c41ee1ec91e"),
    ("apples", "e09e966cefaaee73a93c4d65a5640472"),
    ("pears", "06a2ae791a880f0096a02a9231cc44b3"),
}
"""What says whether a definition stands, or is to be written again."""


def test_runs_over_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = write("labels.csv", "id,name,path", LABELS)
    items = write("items.csv", "id,text,labels", ITEMS)
    products = write("products.csv", "id,text,labels", PRODUCTS)
    shop = Commands("shop")
    shop.call("labels", "import", labels)
    shop.step("classify", "classify", items)
    replies = shop.rows("SELECT key FROM answers WHERE answer LIKE '%branches%'")
    vectors = shop.rows("SELECT model, hex(key) FROM embeddings_32")
    shop.call("expert", "train", products)
    card = Path("shop", "experts", "1", "card.json")
    trained = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps({**trained, "made": "2026-01-01T00:00:00+00:00"}), encoding="utf-8")
    shop.step("define", "expert", "define")
    definitions = shop.rows("SELECT label, fingerprint FROM definitions")
    shop.step("categorize", "categorize", items, "--everything")
    shop.step("audit", "expert", "audit", items)
    for method in ("tree", "shortlist", "dense", "linear", "icxml", "expert", "general", "knn"):
        shop.step(f"evaluate {method}", "evaluate", items, "--methods", method, "--examples", products)
    gold = shop.rows("SELECT item, unit, label FROM truths WHERE verdict = 'right'")
    shop.step("chat", "chat", "--once", "/open Sport | red apples")
    shop.step("chat again", "chat", "--once", "/rank red apples | Red apples | Green pears")
    edit("navigator/expand")
    shop.step("try expand", "prompts", "try", "navigator/expand", "--on", items)
    edit("general_expert/order")
    shop.step("try order", "prompts", "try", "general_expert/order", "--on", items, "--everything")
    monkeypatch.setenv("TAXONAUT_MODELS__GENERAL_EXPERT__MODEL", "encoder/hosted_vllm/words")
    shop.step("define without a language model", "expert", "define")
    assert shop.made() == SHOP_RUNS
    assert {key for (key,) in replies} == REPLIES
    assert set(vectors) == VECTORS
    assert set(definitions) == DEFINITIONS
    assert set(gold) == {("1", APPLES, "apples"), ("2", BOOTS, "boots")}


AGENTS = """
[task]
description = "BEHAVE:agents"

[build]
centres = 3
terminal_size = 7
"""
"""The local server then plays architect and annotator; eight labels of a kind are divided once more."""

FLAT = {f"{kind}{number}": f"{kind} {kind}{number}" for kind in ("fox", "oak", "bee") for number in range(8)}
MORE = {f"fox{letter}": f"fox fox{letter}" for letter in "xy"}
TREE = {
    f"{kind}{number}": f"{kind} {kind}{number},{top} > {kind} {kind}{number}"
    for kind, top in (("fox", "Animals"), ("bee", "Animals"), ("oak", "Plants"))
    for number in range(3)
}

GROWN_RUNS = {
    "build": [Made("build", "67f2bb67c554cba2d34e976748d85ef2", frozenset({"", "0", "1", "2"}))],
    "grow": [Made("grow", "76b112a8a588758b9c1710960a2f2c1b", frozenset({"level 0", "level 1", "level 2"}))],
}
SPLIT_RUNS = {"split": [Made("build", "7f9010c08ad799020d9025c2a5cbba0d", frozenset({""}))]}


def test_runs_that_make_an_index() -> None:
    grown = Commands("grown", AGENTS)
    grown.call("labels", "import", write("flat.csv", "id,name", FLAT))
    grown.step("build", "index", "build", "--method", "agents")
    grown.step("grow", "labels", "add", write("more.csv", "id,name", MORE))
    assert grown.made() == GROWN_RUNS
    # The nodes beside the one that is divided take part, so the tree is one that no agent has worded.
    own = Commands("own", AGENTS)
    own.call("labels", "import", write("tree.csv", "id,name,path", TREE))
    own.step("split", "index", "split", "Animals", "--method", "agents", "--terminal-size", "3")
    assert own.made() == SPLIT_RUNS


VOCABULARY = """
[task]
description = "BEHAVE:agents"

[vocabulary]
categories = 2
split_threshold = 3
depth = 2
"""
THINGS = {
    "0": "fox fox0 foxb",
    "1": "fox fox1 foxb",
    "2": "fox fox2 foxb",
    "3": "oak oak0 oakb",
    "4": "oak oak1 oakb",
    "5": "oak oak2 oakb",
}
TAGGED = frozenset(
    {
        "0759df039ac542487af61f0ecdbb4a39",
        "09f4802509c4cc9701b44d1cdd1d4406",
        "19312e666a381a2416360f24ee709f0c",
        "3b8209213094dd257c287bded70ad0a8",
        "907bf92408df3e1a999c2d01c09052b6",
        "a609df9782e6d2b413187c77415d2c2e",
    }
)

TAGS_RUNS = {
    "build": [
        Made("vocabulary", "1c6728f8d9e7149b24a4f2c2d8aeea94", frozenset({"", "0", "1", "made"})),
        Made("assign", "3d206355e72807474f0a8355b2b3e650", TAGGED),
    ],
    "assign all": [Made("assign", "4f1c45f2daf8ebbc3ecde6ca5d55bae4", TAGGED)],
    "free-form": [Made("free-form", "5095428265afccba2250333dccebe726", TAGGED)],
}

TEN_IN_A_REQUEST = {
    "build": [
        Made("vocabulary", "a62eb2cd0a2a4d8538747e0d40d652fd", frozenset({"", "0", "1", "made"})),
        Made("assign", "058e28a861b2b347f80d3bdc19b41bc8", TAGGED),
    ],
    "assign all": [Made("assign", "5dcf46757c712553ed7d521032e2cba2", TAGGED)],
    "free-form": [Made("free-form", "5095428265afccba2250333dccebe726", TAGGED)],
}
"""With the setting that was the default before 1 was: those who have such runs continue them with it."""


@pytest.mark.parametrize(
    ("more", "runs"), [("", TAGS_RUNS), ("items_per_request = 10\n", TEN_IN_A_REQUEST)], ids=["one", "ten"]
)
def test_runs_over_a_vocabulary(more: str, runs: Mapping[str, Any]) -> None:
    things = write("things.csv", "id,text", THINGS)
    tags = Commands("tags", VOCABULARY + more)
    tags.step("build", "vocabulary", "build", things)
    tags.step("assign all", "vocabulary", "assign", things, "--all")
    Path("tags", "taxonaut.toml").write_text(
        SETTINGS, encoding="utf-8"
    )  # without a task the server fills in any schema
    tags.step("free-form", "vocabulary", "export", "words.json", "--format", "free-form")
    assert tags.made() == runs
