"""What labels say besides their names is read from files and found in texts, by all methods that compare texts."""

from pathlib import Path

import pytest
from fakes import word_embedder

from taxonaut import Workspace, read_labels
from taxonaut.evaluation.methods.flat import bm25_rank
from taxonaut.state.records import Prediction

CONDITIONS = """\
id,path,synonyms
1,Body > Heart attack,MI|myocardial infarction
2,Body > Stroke,CVA|cerebrovascular accident
3,Body > Kidney failure,ESRD
"""
CODES = """\
name,path,description
cs,cs,Computer science
cs.CR,cs > cs.CR,attacks on ciphers
cs.DB,cs > cs.DB,query storage
q-bio,q-bio,Quantitative biology
q-bio.GN,q-bio > q-bio.GN,plant genome annotation
"""


def classify(folder: Path, labels: str, texts: list[str]) -> list[Prediction]:
    file = folder / "labels.csv"
    file.write_text(labels, encoding="utf-8")
    with Workspace.init(folder / "work", embedder=word_embedder()) as workspace:
        workspace.import_labels(read_labels(file))
        return [result.labels[0] for result in workspace.classify(texts)]


def test_an_alternative_name_finds_its_label_and_is_the_evidence(tmp_path: Path) -> None:
    texts = ["old MI", "history of CVA", "ESRD on dialysis", "Myocardial infarctions"]
    found = classify(tmp_path, CONDITIONS, texts)
    assert [(each.name, each.evidence) for each in found] == [
        ("Heart attack", "MI"),
        ("Stroke", "CVA"),
        ("Kidney failure", "ESRD"),
        ("Heart attack", "Myocardial infarctions"),
    ]
    assert {each.reason for each in found} == {"an alternative name"}
    assert found[3].score > 0.9


def test_codes_are_found_by_their_descriptions(tmp_path: Path) -> None:
    texts = ["attacks on ciphers", "query storage costs", "plant genome annotation"]
    assert [each.name for each in classify(tmp_path, CODES, texts)] == ["cs.CR", "cs.DB", "q-bio.GN"]


@pytest.mark.parametrize(
    ("labels", "text", "best"),
    [
        (["card_arrival", "pin_blocked", "topUpFailed"], "when will my card arrive", 0),
        (["card_arrival", "pin_blocked", "topUpFailed"], "I blocked my PIN", 1),
        (["card_arrival", "pin_blocked", "topUpFailed"], "the top up fails", 2),
        (["服装 > 女装", "家电 > 电水壶", "食品 > 咖啡豆"], "阿拉比卡咖啡豆 1公斤", 2),
        (["เสื้อผ้า", "กาแฟ"], "เมล็ดกาแฟคั่ว", 1),
        (["Bücher", "Hunde"], "ein Buch", 0),
    ],
)
def test_bm25_has_one_notion_of_a_word(labels: list[str], text: str, best: int) -> None:
    [found] = bm25_rank(labels, [text], 1, "de" if "Hunde" in labels else "en")
    assert found.places == [best]
