"""Leading zeros, which spreadsheets and databases pad numbers with."""

from __future__ import annotations

import pytest
from make_xlsx import xlsx
from rows_reading import codes, open_bytes


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [
        ("integer", "007", "7"),
        ("integer", "-007", "-7"),
        ("integer", "00", "0"),
        ("integer", "007.0", "7"),
        ("float", "007.50", "7.50"),
        ("float", "00.5", "0.5"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_padded_number_is_the_number_and_told_once(form, kind, cell, text):
    """One warning a column, however many rows; a string field keeps the zeros."""
    rows = [[kind, "string"], *[[cell, cell]] * 300]
    data = xlsx(rows) if form == "xlsx" else "".join(",".join(r) + "\n" for r in rows).encode()
    file = open_bytes(data, format=form)
    found = {row.text.decode() for row in file}
    assert found == {f'{{"input_values":{{"{kind}":{text},"string":"{cell}"}}}}'}
    (warning,) = file.warnings
    letter = "A " if form == "xlsx" else ""
    assert f"column {letter}'{kind}' is a number" in warning
    assert cell in warning


def test_what_is_no_number_without_its_zeros_stays_refused():
    """A plus sign, letters, and nothing but a sign."""
    file = open_bytes(b"integer\n+7\n007a\n-\n0x10\n", format="csv")
    assert [codes(row) for row in file] == [[("input_values.integer", "INTEGER_EXPECTED")]] * 4
    assert file.warnings == []
