"""What Tab offers: commands, categories by name and path, files, times."""

from pathlib import Path
from typing import Any

import pytest

PHONES = "Electronics > Audio > Headphones"


@pytest.mark.parametrize(
    ("line", "offered", "start"),
    [
        ("/un", ["/under", "/undo"], 0),
        ("/under ", ["Electronics", "Pets"], 7),
        (
            "/under Head",
            ["Electronics > Audio > Headphones", "Electronics > Audio > Headphones > Over-ear headphones"],
            7,
        ),
        ("/under Electronics > A", ["Electronics > Audio"], 7),
        (
            "/under electronics > audio > ",
            ["electronics > audio > Headphones", "electronics > audio > Speakers"],
            7,
        ),
        ("/add Some thing under Pe", ["Pets"], 22),
        ("/add Pe", [], 0),
        ("/rename Electronics > Audio to So", [], 0),
        ("/move Earb", ["Electronics > Audio > Headphones > Earbuds"], 6),
        ("/move Earbuds to Pe", ["Pets"], 17),
        ("/rank earbuds | Spea", ["Electronics > Audio > Speakers"], 16),
        ("/lost la", ["last week", "last month"], 6),
        ("/cost t", ["thread", "today"], 6),
        ("/label g", ["goods.csv", "goods.pdf"], 7),
        ("/nothing x", [], 0),
        ("where", [], 0),
        ("/under Nowhere > x", [], 0),
    ],
)
def test_a_line_is_completed(
    shop_tools: Any, tmp_path: Path, line: str, offered: list[str], start: int
) -> None:
    (tmp_path / "goods.csv").write_text("text\n")
    (tmp_path / "goods.pdf").write_text("")
    (tmp_path / "goods.png").write_text("")
    found = shop_tools.complete(line)
    assert [each.text for each in found] == offered
    assert {each.start for each in found} <= {start}
