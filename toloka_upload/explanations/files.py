"""What can be wrong with a file, or with a line of it."""

from __future__ import annotations

from collections.abc import Mapping

from toloka_upload.explanations.model import Explanation

FILES: Mapping[str, Explanation] = {
    "INVALID_JSON": Explanation(
        "The line is not JSON.",
        "{'image': 'a'} with single quotes, a comma at the end, NaN, or a line that was cut off",
        "Correct the line where the arrow points; better, let a program write the file.",
    ),
    "DUPLICATE_KEY": Explanation(
        "One object has the same name twice, so that it is not certain which value is meant.",
        '{"image": "a.jpg", "image": "b.jpg"}',
        "Remove one of the two.",
    ),
    "INVALID_ENCODING": Explanation(
        "There are bytes that are no text in the file's encoding.",
        "a table saved as Windows-1252 is read as UTF-8",
        "Save the file as UTF-8, or name its encoding with --encoding.",
    ),
    "INVALID_QUOTING": Explanation(
        "A cell in quotes goes on behind its closing quote.",
        'a;"12" pipe";b',
        'Double the quotes within the cell: "12"" pipe".',
    ),
    "UNCLOSED_QUOTE": Explanation(
        "A cell begins with a quote that is never closed.",
        'a,"12 inches,b',
        'Close the quote, or double it if it belongs to the text: """12 inches".',
    ),
    "WRONG_CELL_COUNT": Explanation(
        "A row has more or fewer cells than the header has columns.",
        "image,text above https://example.com/1.jpg,a cat, black",
        "Put cells that contain the delimiter in quotes; remove cells too many.",
    ),
    "ROW_TOO_LONG": Explanation(
        "One row is longer than can ever be uploaded.",
        "a picture inside of the row; or a file without line ends",
        "Put large data at a web address, and the address into the row.",
    ),
    "NOT_A_TASK_FILE": Explanation(
        "The file is something else than a table or JSON.",
        "a saved web page, a PDF, a Parquet file, an archive of files",
        "Replace it by JSON Lines, JSON, CSV, TSV, XLSX or Parquet.",
    ),
    "WRONG_ENCODING": Explanation(
        "The file as a whole is not UTF-8.",
        "a table that Excel saved as CSV with umlauts or Cyrillic letters",
        "Name the encoding in which the samples shown read right, or save the file as UTF-8.",
    ),
    "BAD_HEADER": Explanation(
        "The first line of the table cannot be its header.",
        "a title above the header, no header at all, a column without name, a name twice",
        "Begin the table with one line that names each field once: INPUT:image, or image.",
    ),
    "DAMAGED_FILE": Explanation(
        "The file cannot be read to its end.",
        "a download that was interrupted",
        "Get or save the file again.",
    ),
    "FILE_TOO_LARGE": Explanation(
        "The file is more than is read in this format.",
        "a workbook whose stray cell reaches the last corner of the sheet",
        "Save it as CSV, or split it.",
    ),
    "EXTRA_MISSING": Explanation(
        "This format needs a package that is not installed.",
        "a .zst file, and backports.zstd is not there",
        "Install the extra: pip install 'toloka-upload[all]'.",
    ),
    "NO_SUCH_SHEET": Explanation(
        "The workbook has no sheet of that name.",
        "--sheet Tasks, and the sheets are called Sheet1 and Sheet2",
        "Name one of the sheets that the message lists.",
    ),
    "NO_POOL": Explanation(
        "It is not said which pool the rows are for.",
        "no --pool, and rows without pool_id",
        "Add --pool ID, or a pool_id to each row.",
    ),
    "ROWS_REJECTED": Explanation(
        "Some rows failed the check, so nothing was sent.",
        "one row in a thousand has no image",
        "Fix these rows, or send the good ones alone with --skip-invalid-items.",
    ),
    "NO_INPUT": Explanation(
        "A file is missing or cannot be read.",
        "a name that was typed wrong",
        "Check the file's name and permissions.",
    ),
}
