"""Languages that the embedder does not know are told once, with what was found."""

import csv
from pathlib import Path

import pytest
from fakes import word_embedder

from taxonaut import Workspace, read_labels
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import languages_of
from taxonaut.state.records import as_items
from taxonaut.state.updates import UnknownLanguage, Update, listening
from taxonaut.workspace.core.language_check import LanguageCheck

ENGLISH = ModelSettings(model="onnx/all-minilm-l6-v2")
LABELS = (
    *(("1", "Küche > Wasserkocher"), ("2", "Küche > Kühlschränke"), ("3", "Haushalt > Staubsauger")),
    *(("4", "Garten > Rasenmäher"), ("5", "Gebäude > Türen")),
)
GERMAN = [
    "Wasserkocher für Tee und Kaffee",
    "ein Kühlschrank mit Eisfach",
    "Sauger ohne Beutel und mit Filter",
]


def told(check: LanguageCheck, texts: list[str]) -> list[UnknownLanguage]:
    found: list[Update] = []
    with listening(found.append):
        assert [item.text for item in check.check_items(as_items(texts))] == texts
    return [each for each in found if isinstance(each, UnknownLanguage)]


def test_texts_are_told_once_with_how_many() -> None:
    check = LanguageCheck(ENGLISH)
    assert told(check, ["what is a kettle", "how much is it"]) == []
    texts = [*GERMAN, "what is a kettle"]
    assert told(check, texts) == [
        UnknownLanguage("German", "texts", 3, 4, "onnx/all-minilm-l6-v2", ("English",))
    ]
    assert told(check, texts) == []
    assert [each.language for each in told(check, ["où est la bouilloire pour le thé"])] == ["French"]


def test_a_few_texts_of_many_are_not_told() -> None:
    english = ["how much is the kettle for"] * 31
    assert told(LanguageCheck(ENGLISH), [*english, GERMAN[0]]) == []


def test_an_embedder_that_knows_the_language_or_says_nothing_is_not_told_of() -> None:
    assert told(LanguageCheck(ENGLISH.model_copy(update={"languages": ("en", "de")})), GERMAN) == []
    assert told(LanguageCheck(ModelSettings(model="openai/text-embedding-3-small")), GERMAN) == []
    assert told(LanguageCheck(ENGLISH, word_embedder()), GERMAN) == []
    named = ModelSettings(model="openai/text-embedding-3-small", languages=("en",))
    assert len(told(LanguageCheck(named), GERMAN)) == 1


@pytest.mark.parametrize(
    ("card", "known"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\n# Card", ("en",)),
        ("---\ntags: [a]\nlanguage:\n- de\n- fr\nlicense: mit\n---\n", ("de", "fr")),
        ("---\nlanguage: [en, zh]\n---\n", ("en", "zh")),
        ("---\nlanguage: multilingual\n---\n", None),
        ("---\nlanguage:\n- multilingual\n- af\n- en\n---\n", None),
        ("language: en", None),
        ("", None),
    ],
)
def test_a_model_card_says_which_languages_its_model_knows(
    tmp_path: Path, card: str, known: tuple[str, ...] | None
) -> None:
    (tmp_path / "README.md").write_text(card, "utf-8")
    assert languages_of(f"onnx/{tmp_path}") == known
    assert languages_of(f"encoder/onnx/{tmp_path}") == known


def test_packaged_encoders_know_english() -> None:
    models = (
        "onnx/all-minilm-l6-v2",
        "gguf/all-minilm-l6-v2",
        "encoder/all-minilm-l6-v2",
        "openai/x",
        "onnx/no",
    )
    assert [languages_of(model) for model in models] == [("en",), ("en",), ("en",), None, None]


def test_labels_are_told_at_import_and_again_when_they_are_used(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "path"), *LABELS])
    embedder = word_embedder()
    embedder.languages = ("en",)  # type: ignore[attr-defined]
    found: list[Update] = []
    with listening(found.append):
        with Workspace.init(tmp_path / "w", embedder=embedder) as workspace:
            workspace.import_labels(read_labels(tmp_path / "labels.csv"))
            workspace.classify([GERMAN[0]])
        assert len([each for each in found if isinstance(each, UnknownLanguage)]) == 1
        found.clear()
        with Workspace.open(tmp_path / "w", embedder=embedder) as workspace:
            workspace.classify(GERMAN, on_update=None)
    assert [each for each in found if isinstance(each, UnknownLanguage)] == [
        UnknownLanguage("German", "labels", 5, 5, embedder.name, ("English",))
    ]
