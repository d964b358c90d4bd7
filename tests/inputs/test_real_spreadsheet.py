"""A workbook that LibreOffice 7.4 made of cells as people type them: what it changed is put back or refused.

`typed-by-libreoffice.xlsx` is the CSV below through `soffice --headless --convert-to xlsx`, with numbers detected:

    INPUT:image,INPUT:text,INPUT:number,INPUT:score,INPUT:checked,INPUT:tags,GOLDEN:result
    https://example.com/1,"two
    lines, ""quoted""; щи 😀",7,1.50,TRUE,"a,b",OK
    https://example.com/2,1984,5.0,50%,FALSE,7,
    https://example.com/3,12:30,12345678901234567890,0.1,,,
    https://example.com/4,2026-01-31,1,1e5,,,
    https://example.com/5,=1/0,1,,,,
    https://example.com/6,,,,,,BAD
"""

from __future__ import annotations

from pathlib import Path

from input_runs import Service, upload

BOOK = Path(__file__).with_name("typed-by-libreoffice.xlsx")
URL = "https://example.com/"


def test_what_is_certain_is_put_back_and_the_rest_is_refused(
    service: Service, tmp_path: Path
) -> None:
    """Numbers in text fields and whole numbers are certain; dates, times, lost digits and error cells are not."""
    run = upload(service, tmp_path / "state", BOOK, skip_invalid_items=True)
    assert run.counts == {"read": 6, "created": 3, "rejected": 3}
    assert run.faults == [
        (4, "input_values.text", "STRING_EXPECTED"),
        (4, "input_values.number", "INTEGER_EXPECTED"),
        (5, "input_values.text", "STRING_EXPECTED"),
        (6, "input_values.text", "INVALID_VALUE"),
    ]
    first, second, third = service.items()
    assert first["input_values"] == {
        "image": URL + "1",
        "text": 'two\nlines, "quoted"; щи 😀',
        "number": 7,
        "score": 1.5,
        "checked": True,
        "tags": ["a", "b"],
    }
    assert first["known_solutions"] == [{"output_values": {"result": "OK"}}]
    assert second["input_values"] == {
        "image": URL + "2",
        "text": "1984",
        "number": 5,
        "score": 0.5,
        "checked": False,
        "tags": ["7"],
    }
    assert third["input_values"] == {"image": URL + "6"}


def test_its_rejects_say_what_the_cells_hold(service: Service, tmp_path: Path) -> None:
    """As CSV, to be mended in the spreadsheet program or in an editor."""
    upload(service, tmp_path / "state", BOOK, skip_invalid_items=True)
    header, *rows = Path("typed-by-libreoffice.rejects.csv").read_text().splitlines()
    assert header.startswith("INPUT:image,INPUT:text,")
    assert rows == [
        URL + "3,12:30:00,1.23456789012346e+19,0.1,,,",
        URL + "4,2026-01-31,1,100000,,,",
        URL + "5,#DIV/0!,1,,,,",
    ]
