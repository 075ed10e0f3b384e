"""`taxonaut expert train`: what it says, keeps and refuses, with a small real training."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fakes import interrupting_embedder, packaged_embedder
from typer.testing import CliRunner

from taxonaut import Workspace
from taxonaut.cli.expert.expert_view import describe_training
from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.cli.shared.session import Session
from taxonaut.workspace.expert.experts import ExpertCard

pytestmark = pytest.mark.slow

WORDS = {"shoes": "running jogging race", "boots": "hiking trail alpine", "apples": "apple red sweet"}
COLOURS = ("blue", "grey", "white", "black", "green", "brown", "pink", "gold")


def lines() -> list[dict[str, Any]]:
    """24 products of three of the shop's five categories."""
    return [
        {"id": f"{label}-{place}", "text": f"{words} {colour} {label}", "labels": [label], "sold": place}
        for label, words in WORDS.items()
        for place, colour in enumerate(COLOURS)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without_progress(said: str) -> list[str]:
    """Return the lines on standard error, without those that a slow machine sees every few seconds."""
    return [line for line in said.splitlines() if not line.startswith("training: ")]


@pytest.fixture
def products(tmp_path: Path) -> Path:
    return write(tmp_path / "products.jsonl", lines())


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, templates: dict[str, Path]) -> dict[str, Any]:
    """One training through the command line: its workspace, and what it said."""
    folder = tmp_path_factory.mktemp("trained")
    shop = Path(shutil.copytree(templates["shop"], folder / "shop"))
    file = write(folder / "products.jsonl", [*lines(), {"text": "a thing", "labels": []}])
    words = ["expert", "train", file, "--popularity-column", "sold", "--epochs", "8", "-w", shop]
    called = CliRunner().invoke(app, list(map(str, words)), obj=GlobalOptions(embedder=packaged_embedder()))
    return {"shop": shop, "called": called}


def test_a_training_says_what_came_of_it(once: dict[str, Any]) -> None:
    called, shop = once["called"], once["shop"]
    assert (called.exit_code, called.stdout) == (0, "")
    first, *notes, judged, kept, then = without_progress(called.stderr)
    assert first.startswith("trained expert 1 (a head on embeddings) on 24 products of 5 categories in ")
    assert notes[:2] == [
        "  1 product in no category left out",
        "  2 categories without a product to learn from, known by label text only",
    ]
    assert judged.startswith("24 products, each held out in its turn: accuracy ")
    assert ", macro-F1 " in judged
    assert ", calibration error " in judged
    assert kept == f"kept in {shop / 'experts' / '1'}; its model card: taxonaut expert show 1 -w {shop}"
    assert then == f"next: taxonaut categorize FILE -w {shop}"


def test_what_is_kept(once: dict[str, Any], embedder: Any) -> None:
    with Workspace.open(once["shop"], embedder=embedder) as workspace:
        card = workspace.experts.card()
        examples = workspace.experts.examples()
        classifier = workspace.experts.classifier()
        found = classifier.probabilities(["running jogging race shoes red", "hiking trail alpine red boots"])
    assert (card.kind, card.settings["epochs"]) == ("head", 8)
    assert {label: len(products) for label, products in examples.items()}.keys() == WORDS.keys()
    assert {each.popularity for products in examples.values() for each in products} <= set(range(8))
    assert sum(map(len, examples.values())) == card.data["products"] == 24
    assert classifier.name == "expert/1"
    assert classifier.labels == ("shoes", "boots", "tents", "apples", "pears")
    assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-4)
    assert found.argmax(axis=1).tolist() == [0, 1]


def test_as_json_with_other_settings_and_a_dev_part(
    run: Any, shop: Path, products: Path, tmp_path: Path, embedder: Any
) -> None:
    dev = write(tmp_path / "dev.jsonl", [{"text": "blue pear", "labels": ["pears"]}])
    off = ("--no-augment", "--focal", "--no-bootstrap", "--seed", "3", "--epochs", "1")
    called = run("expert", "train", products, "--dev", dev, *off, "--json", "-w", shop)
    assert (called.code, called.err) == (0, "")
    found = json.loads(called.out)
    assert (found["number"], found["folder"]) == (1, str(shop / "experts" / "1"))
    assert (found["data"]["products"], found["data"]["dev"], found["data"]["dev_given"]) == (24, 1, True)
    settings = {name: found["settings"][name] for name in ("augment", "focal", "bootstrap", "seed", "epochs")}
    assert settings == {"augment": 0.0, "focal": True, "bootstrap": False, "seed": 3, "epochs": 1}
    assert {"accuracy", "macro_f1", "calibration_error", "seconds"} <= set(found["metrics"])
    quiet = run("expert", "train", products, *off, "--quiet", "-w", shop)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_unknown_categories(run: Any, shop: Path, products: Path, tmp_path: Path, embedder: Any) -> None:
    more = write(tmp_path / "more.jsonl", [*lines(), {"id": "x", "text": "a hat", "labels": ["hats"]}])
    called = run("expert", "train", more, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err == (
        "error: more.jsonl, line 25: the index has no category 'hats'. Add the missing labels (taxonaut labels "
        "add FILE), correct the products, or leave them out with --skip-unknown (1 product)\n"
    )
    assert not (shop / "experts").exists()
    called = run("expert", "train", more, "--skip-unknown", "--epochs", "1", "-w", shop)
    assert called.code == 0
    assert without_progress(called.err)[1] == (
        "  1 product of categories unknown to the index left out, the first: 'hats' (more.jsonl, line 25)"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl"),
        (["--labels-column", "category"], "there is no column 'category'"),
        (["--popularity-column", "sales"], "there is no column 'sales'"),
        (["--dev", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--encoder", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_used(
    run: Any, shop: Path, products: Path, embedder: Any, arguments: list[str], said: str
) -> None:
    given = arguments if arguments == ["nowhere.jsonl"] else [products, *arguments]
    called = run("expert", "train", *given, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("error: ")
    assert said in called.err


def test_an_encoder_is_fine_tuned_and_classifies(
    run: Any, shop: Path, products: Path, embedder: Any, tiny_bert: Path
) -> None:
    called = run("expert", "train", products, "--encoder", tiny_bert, "--epochs", "1", "-w", shop)
    assert (called.code, called.out) == (0, "")
    first, *_, judged, kept, _ = without_progress(called.err)
    assert first.startswith("trained expert 1 (a fine-tuned encoder) on 24 products of 5 categories in ")
    assert judged.startswith("2 products held out: accuracy ")
    assert kept.startswith(f"kept in {shop / 'experts' / '1'}; ")
    shown = run("expert", "show", "--json", "-w", shop)
    settings = json.loads(shown.out)["settings"]
    assert settings["encoder"] == str(tiny_bert)
    assert (settings["epochs"], settings["batch"]) == (1, 32)
    called = run("categorize", "running race shoes", "--threshold", "0", "--json", "-w", shop)
    assert (called.code, json.loads(called.out)["verdict"]) == (0, "domain")


def test_why_an_encoder_is_served_by_pytorch() -> None:
    card = ExpertCard("encoder", {"products": 9, "dev": 1}, {"no_onnx": "its tokenizer is 'BPE'"})
    assert list(describe_training(card, Path("e"), Session()))[1] == (
        "  classifying takes PyTorch (taxonaut[train]), as there is no ONNX graph of the encoder: its tokenizer is "
        "'BPE'"
    )


def test_ctrl_c_says_what_is_kept(run: Any, shop: Path, products: Path, given: GlobalOptions) -> None:
    given.embedder = interrupting_embedder()
    called = run("expert", "train", products, "-w", shop)
    assert (called.code, called.out) == (130, "")
    assert called.err.startswith("interrupted: no expert was made of this training; embeddings that were ")
