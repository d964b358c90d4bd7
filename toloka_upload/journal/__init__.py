"""What we know about a pool, on disk: every chunk that was ever about to be sent, and what became of its rows.

One SQLite file for each endpoint, account and pool, in WAL mode with `synchronous=FULL`: a commit that has
returned survives a power cut. Only the holder of the pool's lock (`lock.py`) writes, over one connection;
readers open the file read-only. Nothing secret is in it, and it is private all the same (0600 in a directory of 0700).
"""

from toloka_upload.journal.file import keep_aside
from toloka_upload.journal.items import (
    Created,
    RunItem,
    RunItems,
    created_by,
    ids_at,
    items_of,
    owned,
)
from toloka_upload.journal.reading import (
    blocks,
    chunks_of,
    is_begun,
    oldest_open,
    open_to_read,
    peek,
    read_outcome,
    runs,
    steps,
)
from toloka_upload.journal.states import (
    ADOPTED,
    GOES_ON,
    ChunkState,
    Destination,
    RunRecord,
    SentChunk,
    Step,
)
from toloka_upload.journal.undoing import Undo, undone_of
from toloka_upload.journal.writing import Journal, prune_file

__all__ = [
    "ADOPTED",
    "GOES_ON",
    "ChunkState",
    "Created",
    "Destination",
    "Journal",
    "RunItem",
    "RunItems",
    "RunRecord",
    "SentChunk",
    "Step",
    "Undo",
    "blocks",
    "chunks_of",
    "created_by",
    "ids_at",
    "is_begun",
    "items_of",
    "keep_aside",
    "oldest_open",
    "open_to_read",
    "owned",
    "peek",
    "prune_file",
    "read_outcome",
    "runs",
    "steps",
    "undone_of",
]
