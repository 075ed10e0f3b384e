"""The tables of benchmarks/recommend."""

import pytest

from taxonaut.benchmarks.recommend.report import (
    Critique,
    Row,
    critique_table,
    markdown,
    settings_table,
    table,
)


def values(value: float) -> dict[str, float]:
    return dict.fromkeys(("Recall@5", "NDCG@5", "Recall@10", "NDCG@10"), value)


def test_the_tables_say_what_was_measured() -> None:
    row = Row(
        "ours",
        (values(0.2), values(0.4)),
        (values(0.1), values(0.3)),
        (0.0, 0.02),
        1200,
        4,
        34000,
        (10.0, 20.0),
        (3, 5),
        "sum",
        {"sum": 0.4, "mixed": 0.35},
        critique=Critique((values(0.3), values(0.5)), 0.07, 0.01),
    )
    baseline = Row("popularity", (values(0.02),), (values(0.01),))
    assert markdown(table([baseline, row])).splitlines()[2:] == [
        "| popularity | 1.00 | 1.00 | 1.00 | 1.00 | – | 2.00 | – | – | – | – | – | – |",
        "| ours | 20.00 ±14.14 | 20.00 ±14.14 | 20.00 ±14.14 | 20.00 ±14.14 | 1.00 ±1.41 | 30.00 ±14.14 "
        "| sum | 4 | 1,200 | 34,000 | 4 | 15 |",
    ]
    assert settings_table([baseline, row])[1:] == [("ours", "40.00", "35.00")]
    limited = critique_table([baseline, row])
    assert len(limited) == 5
    assert limited[4] == ("ours", "NDCG@10", "20.00 ±14.14", "40.00 ±14.14", "+100.0 %", "7.0 %", "1.0 %")
    assert row.as_json()["mean_and_deviation"]["NDCG@10"] == pytest.approx((0.2, 0.1414), abs=1e-4)
