"""What each code and exit status means, with an example and the fix: one table for messages, `explain` and the page.

It stands on the ground floor and imports nothing but the statuses, so that every room can read it.
`rows`, `files`, `api` and `program` have the codes; what is printed and is not there makes a test fail.

    explanation_of("VALUE_REQUIRED")    a code
    explanation_of("HTTP_502")          any HTTP status
    explanation_of("75")                an exit status, or its name: "TRY_AGAIN", "try again"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from toloka_upload.explanations.api import API
from toloka_upload.explanations.files import FILES
from toloka_upload.explanations.model import LATER, Explanation
from toloka_upload.explanations.program import PROGRAM
from toloka_upload.explanations.rows import ROWS
from toloka_upload.explanations.statuses import STATUSES

__all__ = [
    "EXPLANATIONS",
    "GROUPS",
    "LATER",
    "STATUSES",
    "Explanation",
    "explanation_of",
    "similar",
]

GROUPS: Mapping[str, Mapping[str, Explanation]] = {
    "Rows and their values": ROWS,
    "Files": FILES,
    "The API and the way to it": API,
    "This program": PROGRAM,
}
"""All codes, by what they are about."""

EXPLANATIONS: Mapping[str, Explanation] = {
    code: explanation for codes in GROUPS.values() for code, explanation in codes.items()
}
"""Each code that can be printed, and what it means."""

_HTTP = re.compile(r"HTTP_[1-5][0-9]{2}")


def explanation_of(name: str) -> tuple[str, Explanation] | None:
    """What a code or an exit status is called, and what it means; None if there is no such."""
    code = name.strip().upper().replace(" ", "_").replace("-", "_")
    if code in EXPLANATIONS:
        return code, EXPLANATIONS[code]
    if _HTTP.fullmatch(code):
        return code, EXPLANATIONS["HTTP_NNN"]
    for status, explanation in STATUSES.items():
        if code in (str(int(status)), status.name, status.reason.upper().replace(" ", "_")):
            return f"{int(status)} {status.reason}", explanation
    return None


def similar(name: str) -> list[str]:
    """At most five codes that may have been meant: those that have a word of it, and those that are spelled alike."""
    code = name.strip().upper().replace(" ", "_").replace("-", "_")
    words = {word for word in code.split("_") if len(word) > 2}
    related = [known for known in EXPLANATIONS if words & set(known.split("_"))]
    return list(dict.fromkeys([*get_close_matches(code, EXPLANATIONS, n=2, cutoff=0.8), *related]))[
        :5
    ]
