"""What each code means, with an example and the cure: one table for messages, `explain CODE` and the documents.

It stands on the ground floor and imports nothing, so that every room can read it. `EXPLANATIONS[code]` is an
`Explanation`; its `cure` is also the sentence that the summary adds to a group of faults.
Codes of rows and files come first; those of the API's refusals and of this program's own errors follow.
A code that can be printed and is not here makes a test fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """One code, in plain words.

    Attributes:
        cause: What is wrong, in one sentence.
        example: What it looks like.
        cure: What to do, as a sentence that can stand alone.
    """

    cause: str
    example: str
    cure: str


_VALUES: dict[str, Explanation] = {
    "VALUE_REQUIRED": Explanation(
        "A field that the project requires is missing, empty or null.",
        'the project requires "image", and the row is {"text": "a cat"}',
        "Give the field a value in each row, or make it optional in the project.",
    ),
    "VALUE_NOT_ALLOWED": Explanation(
        "The value is not one of those allowed, or the field is not one that the project has.",
        'allowed are "cat" and "dog", and the row says "Cat"; or the column is called "imgae"',
        "Write one of the allowed values (capital letters count), or correct the field's name.",
    ),
    "INVALID_VALUE": Explanation(
        "The value cannot be used here.",
        "a spreadsheet's cell that holds #DIV/0!, or a formula whose result was never stored",
        "Put the value itself there, or leave the cell empty.",
    ),
    "STRING_EXPECTED": Explanation(
        "The field is text, and the value is something else.",
        '{"text": 5}; or a spreadsheet turned the text into a date',
        'Write it in quotes: {"text": "5"}. In a spreadsheet, format the column as text first.',
    ),
    "INTEGER_EXPECTED": Explanation(
        "The field is a whole number, and the value is something else.",
        '{"number": "7"}, {"number": 7.5}, or a cell with "1,000"',
        "Write digits alone, without quotes, spaces, points or commas.",
    ),
    "FLOAT_EXPECTED": Explanation(
        "The field is a number, and the value is something else.",
        '{"score": "high"}, or a cell with "0,5"',
        "Write digits with a point: 0.5.",
    ),
    "BOOLEAN_EXPECTED": Explanation(
        "The field is true or false, and the value is something else.",
        '{"checked": "yes"}, or a cell with "1"',
        "Write true or false.",
    ),
    "ARRAY_EXPECTED": Explanation(
        "The field is a list, and the value is something else.",
        '{"tags": "a"}',
        'Write a list: {"tags": ["a", "b"]}. In a cell: a,b.',
    ),
    "OBJECT_EXPECTED": Explanation(
        "An object in braces is wanted, and there is something else.",
        'a row that reads ["a", "b"]',
        'Write {"field": value, ...}.',
    ),
    "JSON_EXPECTED": Explanation(
        "The field is JSON, and the value is not.",
        "a cell with {a: 1}",
        'Write JSON, with double quotes around names: {"a": 1}.',
    ),
    "SIMPLE_VALUE_EXPECTED": Explanation(
        "The field is one value, and there is a list or an object.",
        '{"image": ["https://example.com/1.jpg"]}',
        "Write the value itself, without brackets or braces.",
    ),
    "STRING_LENGTH_LESS_THAN_MIN": Explanation(
        "The text is shorter than the project allows.",
        '"ab" where at least 3 characters are wanted',
        "Lengthen the text, or change min_length in the project.",
    ),
    "STRING_LENGTH_GREATER_THAN_MAX": Explanation(
        "The text is longer than the project allows.",
        "300 characters where at most 255 are allowed",
        "Shorten the text, or change max_length in the project.",
    ),
    "VALUE_LESS_THAN_MIN": Explanation(
        "The number is smaller than allowed.",
        "-1 where at least 0 is wanted",
        "Correct the number, or change min_value in the project.",
    ),
    "VALUE_GREATER_THAN_MAX": Explanation(
        "The number is larger than allowed.",
        "an overlap of 40000 where at most 30000 is allowed",
        "Correct the number, or change max_value in the project.",
    ),
    "ARRAY_SIZE_LESS_THAN_MIN": Explanation(
        "The list has fewer elements than allowed.",
        "[] where at least one element is wanted",
        "Add elements, or change min_size in the project.",
    ),
    "ARRAY_SIZE_GREATER_THAN_MAX": Explanation(
        "The list has more elements than allowed.",
        "11 elements where at most 10 are allowed",
        "Remove elements, or change max_size in the project.",
    ),
    "PATTERN_MISMATCH": Explanation(
        "The text as a whole does not match the project's pattern.",
        '"12a" where the pattern is \\d+',
        "Correct the text, or change the pattern in the project.",
    ),
    "INVALID_URL_SYNTAX": Explanation(
        "The text is no web address.",
        '"photo.jpg", "example.com/photo.jpg" or "C:\\photos\\1.jpg"',
        "Write a whole address that begins with https:// or http://.",
    ),
    "INVALID_COORDINATES_SYNTAX": Explanation(
        "The text is no place on earth.",
        '"north", or "200,10"',
        "Write latitude, a comma, longitude: 55.75,37.62.",
    ),
    "DUPLICATE_VALUE_IN_ARRAY": Explanation(
        "A list that must not repeat itself does.",
        '"reserved_for": ["u1", "u1"]',
        "Remove the repeated element.",
    ),
    "OBJECT_SIZE_BYTES_GREATER_THAN_MAX": Explanation(
        "The row's values alone are more than one request may carry.",
        "a picture inside of the row, as base64",
        "Put large data at a web address, and the address into the row.",
    ),
    "VALIDATION_ERROR": Explanation(
        "Something about the row is not as it must be; the message says what.",
        "more than a hundred faults in one row",
        "Correct what the message names.",
    ),
}

_FILES: dict[str, Explanation] = {
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
        "Upload JSON Lines, JSON, CSV, TSV or XLSX.",
    ),
    "WRONG_ENCODING": Explanation(
        "The file as a whole is not UTF-8.",
        "a table that Excel saved as CSV with umlauts or Cyrillic letters",
        "Name the encoding in which the samples shown read right, or save the file as UTF-8.",
    ),
    "BAD_HEADER": Explanation(
        "The first line of the table cannot be its header.",
        "a title above the header, no header at all, a column without name, a name twice",
        "Put one line with the fields' names first: INPUT:image, or image.",
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

EXPLANATIONS: Mapping[str, Explanation] = {**_VALUES, **_FILES}
"""Each code that can be printed, and what it means."""
