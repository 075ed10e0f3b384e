"""One notion of a word, in any script: identifiers, signs that belong to a name, stems."""

import pytest

from taxonaut.state.text_words import cut_words, stem, stems, text_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C++ and .NET, co-located (naïve)", ["c++", "and", ".net", "co", "located", "naïve"]),
        ("end.The C# ASP.NET", ["end", "the", "c#", "asp", "net"]),
        ("Refund_not-showing_up", ["refund", "not", "showing", "up"]),
        ("cardArrival", ["cardarrival", "card", "arrival"]),
        ("RefundNotShowing", ["refundnotshowing", "refund", "not", "showing"]),
        (
            "the cardArrival of JavaScript on an iPhone",
            ["the", "cardarrival", "card", "arrival", "of", "javascript", "on", "an", "iphone"],
        ),
        ("HTMLParser", ["htmlparser", "html", "parser"]),
        ("电水壶 1.7升", ["电", "水", "壶", "1", "7", "升"]),
        ("กาแฟดำ", ["กาแ", "าแฟ", "แฟด", "ฟดำ"]),
        ("ชา", ["ชา"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("_ - …", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert text_words(text) == words


def test_places_are_those_of_the_text() -> None:
    text = "Straße-nach_Süden กาแฟดำ"
    assert [text[start:end].casefold() for _, start, end in cut_words(text)] == [
        word for word, _, _ in cut_words(text)
    ]


@pytest.mark.parametrize(
    ("language", "words", "expected"),
    [
        ("en", "process processes processing teams bus c++", "process process process team bus c++"),
        ("de", "Bücher buch", "buch buch"),
        ("pt-BR", "livros livro", "livr livr"),
        ("zh", "水", "水"),
        ("xx", "teams", "teams"),
    ],
)
def test_stems_are_of_the_language(language: str, words: str, expected: str) -> None:
    assert stems(words, language) == expected.split()
    assert stem("teams") == "team"
