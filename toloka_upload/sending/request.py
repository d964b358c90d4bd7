"""What the journal has of a request before anything of it leaves: parameters, digest of its bytes, operation id."""

from __future__ import annotations

import hashlib

from toloka_upload.items.chunks import Chunk
from toloka_upload.items.identity import operation_id
from toloka_upload.journal import ChunkState, SentChunk
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session


def same_request(session: Session, pool: PoolState, chunk: Chunk, sent: SentChunk) -> bool:
    """Whether a chunk would travel as the very request that the journal has."""
    body = chunk.body(marked=sent.operation_id is not None)
    described = describe(session, pool, chunk, body, sent.run)
    return (described.operation_id, described.digest) == (sent.operation_id, sent.digest)


def describe(session: Session, pool: PoolState, chunk: Chunk, body: bytes, run: str) -> SentChunk:
    """The journal's record of a request, with an operation id that was never used."""
    requests = session.settings.requests
    parameters = {
        "allow_defaults": _flag(requests.allow_defaults),
        "async_mode": _flag(requests.mode == "async"),
        "skip_invalid_items": _flag(requests.skip_invalid_items),
    }
    sent = SentChunk(
        id=0,
        run=run,
        state=ChunkState.SENDING,
        mode=requests.mode,
        kind=chunk.kind,
        generation=pool.generation,
        attempt=chunk.attempt,
        operation_id=None,
        digest=hashlib.sha256(body).digest(),
        parameters=parameters,
        since=pool.since,
        sent_at=session.wall(),
        items=chunk.items,
        rows=chunk.rows,
        identities=chunk.identities,
        contents=chunk.contents,
        per_item=chunk.per_item,
        places=chunk.places,
    )
    if requests.mode == "async":
        _name(session, pool, sent)
    return sent


def _name(session: Session, pool: PoolState, sent: SentChunk) -> None:
    while True:
        sent.operation_id = operation_id(
            endpoint=session.settings.target.endpoint,
            pools=[pool.info.id],
            parameters=sent.parameters,
            body_digest=sent.digest,
            identities=sent.identities,
            generation=sent.generation,
            attempt=sent.attempt,
        )
        if not pool.book.used(sent.operation_id):
            return
        sent.attempt += 1


def same_id(one: str, other: str | None) -> bool:
    """Whether two operation ids are the same UUID: a server may write it without dashes, or in capitals."""
    return other is not None and _bare(one) == _bare(other)


def _bare(operation: str) -> str:
    return operation.replace("-", "").lower()


def _flag(value: object) -> str:
    return "true" if value else "false"
