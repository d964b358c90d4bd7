"""What can be wrong with a row or its values: the API's codes for fields."""

from __future__ import annotations

from collections.abc import Mapping

from toloka_upload.explanations.model import Explanation

ROWS: Mapping[str, Explanation] = {
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
    "VALUES_REQUIRED": Explanation(
        "Fields that the project requires are missing, empty or null.",
        'the project requires "image" and "text", and the row has neither',
        "Give each of them a value, or make them optional in the project.",
    ),
    "UUID_EXPECTED": Explanation(
        "The value is no UUID.",
        '"123"',
        "Write a UUID: 8b7e6f5a-0c1d-4e2f-9a3b-5c6d7e8f9a0b.",
    ),
    "INVALID_DATE_SYNTAX": Explanation(
        "The text is no date.", '"24.12.2026"', "Write year, month and day: 2026-12-24."
    ),
    "INVALID_DATE_TIME_SYNTAX": Explanation(
        "The text is no date with a time.",
        '"24.12.2026 18:00"',
        "Write it so, in UTC: 2026-12-24T18:00:00.",
    ),
    "DATE_OUT_OF_RANGE": Explanation(
        "The date is too early or too late.", '"0001-01-01"', "Correct the date."
    ),
    "INVALID_REGEX_SYNTAX": Explanation(
        "The text is no regular expression.", '"[a-z"', "Correct the expression."
    ),
    "STRING_LENGTH_OUT_OF_BOUNDS": Explanation(
        "The text is shorter or longer than the project allows.",
        "300 characters where 1 to 255 are allowed",
        "Change the text, or the bounds in the project.",
    ),
    "BLANK_STRING_NOT_ALLOWED": Explanation(
        "The text is empty, or white space alone.", '" "', "Write a text, or leave the field out."
    ),
    "NAME_LENGTH_LESS_THAN_MIN": Explanation(
        "The name is shorter than allowed.", '""', "Lengthen the name."
    ),
    "CHARACTER_NOT_ALLOWED": Explanation(
        "The text has a character that is not allowed there.",
        "a control character, such as a null byte",
        "Remove the character.",
    ),
    "VALUE_OUT_OF_BOUNDS": Explanation(
        "The number is smaller or larger than allowed.",
        "an overlap of 0, where 1 to 30000 are allowed",
        "Correct the number, or the bounds in the project.",
    ),
    "ARRAY_SIZE_OUT_OF_BOUNDS": Explanation(
        "The list has fewer or more elements than allowed.",
        "11 elements where 1 to 10 are allowed",
        "Change the list, or the bounds in the project.",
    ),
    "ENTITY_DOES_NOT_EXIST": Explanation(
        "What the row names is not there.",
        "a pool_id of another environment, or a worker's id that was typed wrong",
        "Correct the id.",
    ),
    "ENTITY_ACCESS_DENIED": Explanation(
        "What the row names belongs to somebody else.",
        "a pool_id of another account",
        "Correct the id, or use the account's own token.",
    ),
    "EMPTY_OBJECT_NOT_ALLOWED": Explanation(
        "An object has nothing in it.", '"input_values": {}', "Fill it, or leave it out."
    ),
    "NOT_NULL_BODY": Explanation(
        "The row is null or empty.", "null", "Write the row, or remove the line."
    ),
    "MAX_ONE_PROPERTY_ALLOWED": Explanation(
        "Of several members only one may be there.",
        "overlap and infinite_overlap: true in one row",
        "Leave one of them.",
    ),
    "UNKNOWN_ENUM_VALUE": Explanation(
        "The value is none of those that the API knows.",
        '"confidence": "high"',
        "Write one of the values that the message or the API's documents list.",
    ),
}
