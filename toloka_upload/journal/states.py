"""What the journal holds: the states of a chunk, and the records of chunks and runs."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from toloka_upload.outcomes import Places, Status

ADOPTED = "adopted"
"""Mode of a chunk that was never sent: its items were found in the pool (`adopt`). Its identities are the contents of
its tasks, unnumbered."""
GOES_ON = Status.UNSENT
"""In a chunk's outcome: the row went on in another chunk, whose outcome is the row's."""


class ChunkState(Enum):
    """A chunk's life, and what is on disk at each state.

    (planned) ──► SENDING ──► ACCEPTED ──► SETTLED
                     │            │           ▲
                     ├────────────┼──► UNSETTLED ─┘
                     └──► RETURNED ◄──┘
    """

    SENDING = "sending"
    """Before the first byte leaves: rows, operation id and digest are on disk. The request may have left.
    After a crash: ask for the operation by its id; without an operation (sync), look through the pool's listing."""
    ACCEPTED = "accepted"
    """The API runs the operation. After a crash: ask for it, then read its log."""
    SETTLED = "settled"
    """Every row has its final outcome on disk: created (with its id), already uploaded (with its id: the API had the
    whole request before this run sent it), rejected, or not created and free to go again."""
    UNSETTLED = "unsettled"
    """Some rows' outcome could not be found out; they count as unknown and are not sent again. Later runs ask anew."""
    RETURNED = "returned"
    """The request is known to have had no effect; its rows are free to be sent again."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where rows go: what exactly-once is promised for."""

    endpoint: str
    account: str
    pool: str


@dataclass(slots=True)
class SentChunk:
    """A chunk as the journal has it.

    Attributes:
        id: Its number in the journal.
        since: From when on the listing may show its items (the API's clock), or None: from the beginning.
        sent_at: Wall-clock time at which it was about to leave.
        contents: For each item the digest under which a listing shows it.
        per_item: Rows of each item, or None: one each.
    """

    id: int
    run: str
    state: ChunkState
    mode: str
    kind: str
    generation: int
    attempt: int
    operation_id: str | None
    digest: bytes
    parameters: dict[str, str]
    since: str | None
    sent_at: float
    items: int
    rows: int
    identities: bytes
    contents: bytes
    per_item: array[int] | None
    places: Places


class Step(NamedTuple):
    """How far a chunk is: what changes of it, and how much it is."""

    id: int
    state: ChunkState
    operation_id: str | None
    attempt: int
    items: int
    rows: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as a pool's journal has it; `report` is missing while it runs, and for good if it was killed."""

    id: str
    started: float
    finished: float | None
    generation: int
    settings: dict[str, Any]
    report: dict[str, Any] | None
    destination: Destination
    chunks: dict[str, int]
    rows: dict[str, int]
