"""What is kept of a page of a listing, in columns."""

from __future__ import annotations

from typing import NamedTuple

from toloka_upload.account.listing import Pieces
from toloka_upload.api.listing import item_content as inputs_content
from toloka_upload.items.contents import item_content, taken_back


class Seen(NamedTuple):
    """Items of a page that somebody has or may get; those that were taken back count as gone.

    Attributes:
        contents: As chunks have them: of input values alone.
        wholes: Of solutions and hints as well.
    """

    ids: list[str]
    contents: list[bytes]
    wholes: list[bytes]


def seen_of(pieces: Pieces) -> Seen:
    """Make columns of a page."""
    seen = Seen([], [], [])
    for piece in pieces:
        for item in piece:
            if not taken_back(item):
                seen.ids.append(item["id"])
                seen.contents.append(inputs_content(item))
                seen.wholes.append(item_content(item))
    return seen
