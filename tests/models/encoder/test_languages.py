"""Languages: what function words, letters and scripts tell, and what tells nothing."""

from collections import Counter

import pytest
from fakes import bag_embedder

from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.languages import (
    count_languages,
    guess_language,
    language_name,
    languages,
    stop_words,
)
from taxonaut.models.encoder.phrases import PhraseSettings, phrases
from taxonaut.models.encoder.scorer import TextScorer

GERMAN_LABELS = [
    *("Küche > Wasserkocher", "Küche > Kühlschränke", "Haushalt > Staubsauger", "Garten > Rasenmäher"),
    *("Recht > Strafrecht", "Bauwesen > Stahlbau", "Gesundheit > Krankenpflege", "Musik > Kirchenmusik"),
]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "where can I buy a kettle for tea"),
        ("de", "wo kann ich einen Wasserkocher für Tee kaufen"),
        ("fr", "où puis-je acheter une bouilloire pour le thé"),
        ("es", "dónde puedo comprar una tetera para el té"),
        ("it", "dove posso comprare un bollitore per il tè della nonna"),
        ("pt", "onde posso comprar uma chaleira para o chá"),
        ("nl", "waar kan ik een waterkoker voor thee kopen"),
        ("sv", "var kan jag köpa en vattenkokare till teet"),
        ("da", "hvor kan jeg købe en elkedel til te"),
        ("no", "hvor kan jeg kjøpe en vannkoker, og hva koster den nå"),
        ("fi", "mistä voi ostaa vedenkeittimen, joka on myös hiljainen"),
        ("pl", "gdzie można kupić czajnik do herbaty"),
        ("cs", "kde můžu koupit konvici na čaj"),
        ("hu", "hol lehet egy teáskannát venni és mennyi az ára"),
        ("ro", "unde se poate cumpăra un ceainic pentru ceai"),
        ("tr", "çay için bir su ısıtıcısı nerede satılır"),
        ("ru", "где можно купить чайник"),
        ("uk", "де можна купити чайник її"),
        ("el", "πού μπορώ να αγοράσω έναν βραστήρα"),
        ("zh", "我在哪里可以买到电热水壶"),
        ("ja", "電気ケトルはどこで買えますか"),
        ("ko", "전기 주전자는 어디에서 살 수 있나요"),
        ("ar", "أين يمكنني شراء غلاية للشاي"),
        ("th", "ซื้อกาต้มน้ำได้ที่ไหน"),
    ],
)
def test_a_sentence_tells_its_language(code: str, text: str) -> None:
    assert guess_language([text]) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tenda TE-W368R",
        "Hako 85W Magsafe Laptop Charger APPLE MacBook Pro 17 MA897LLA",
        "Quercus robur",
        "L'Oréal Crème",
        "Häagen-Dazs Café au Lait",
        "Eau de Toilette La Vie",
        "Camembert de Normandie",
        "El Paso Taco Kit Con Carne",
        "Die Cast Car",
        "12345 67890",
        "Strafrecht",
    ],
)
def test_codes_brands_and_species_tell_nothing(text: str) -> None:
    assert guess_language([text]) is None


def test_a_set_of_short_labels_is_judged_as_a_whole() -> None:
    assert [guess_language([label]) for label in GERMAN_LABELS] == [None] * 8
    assert guess_language(GERMAN_LABELS) == "de"
    assert count_languages(GERMAN_LABELS) == Counter(de=8)
    assert guess_language(["Toys > Vehicles", "Games > Café games", "Science", "Kitchen"]) is None


def test_texts_of_several_languages_are_counted_each() -> None:
    texts = ["what is the weather", "how much is it for two", "wie ist das Wetter", "was kostet es für zwei"]
    assert count_languages(texts) == Counter(en=2, de=2)
    assert count_languages([]) == Counter()


def test_stop_words_are_case_folded_and_of_seventeen_languages() -> None:
    assert len(languages()) == 17
    assert {"und", "für"} <= stop_words("de")
    assert stop_words("tlh") == frozenset()
    for code in languages():
        words = stop_words(code)
        assert len(words) > 80, code
        assert {word.casefold() for word in words} == set(words), code
    assert (language_name("de"), language_name("ko"), language_name("tlh")) == ("German", "Korean", "tlh")


def test_phrases_end_at_the_function_words_of_the_labels_language() -> None:
    assert phrases("Pflege im Alltag", PhraseSettings(language="de")) == [
        "Pflege",
        "Pflege im Alltag",
        "Alltag",
    ]
    space = LabelSpace.of(GERMAN_LABELS, bag_embedder().embed(GERMAN_LABELS), "de")
    scorer = TextScorer(bag_embedder(), space=space)
    assert scorer.items(["Pflege im Alltag"]).phrases == ("Pflege", "Pflege im Alltag", "Alltag")
