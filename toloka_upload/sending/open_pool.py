"""Opening a pool once everything is in."""

from __future__ import annotations

from toloka_upload.api.errors import ApiError
from toloka_upload.errors import Refused, TryAgain
from toloka_upload.sending.operation import finish
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session


async def open_pool(session: Session, pool: PoolState) -> bool:
    """
    Open a pool and wait until it is; return whether it was open before.

    Opening twice does no harm, so a lost answer is simply asked again.

    Raises:
        Refused: The API does not open it. The rows are in the pool all the same.
        TryAgain: It did not open in time.
    """
    info = pool.info
    try:
        operation = await session.ask(session.client.open_pool, info.id, training=info.training)
        if operation is None:
            return True
        finished = await finish(session, pool, operation, None)
        if finished is None:
            raise TryAgain(
                f"Opening pool {info.id} has not ended (operation {operation.id}). The rows are in the pool; "
                "look at it in the web interface, or run the same command again.",
                code="POOL_OPENING",
            )
        if finished.status == "FAIL":
            reason = await _reason(session, operation.id)
            raise Refused(
                f"Pool {info.id} was not opened (operation {operation.id}): {reason}. The rows are in the pool; "
                "open it in the web interface, or run the same command again.",
                code="POOL_NOT_OPENED",
            )
    except ApiError as error:
        raise Refused(
            f"Pool {info.id} was not opened: {error.as_upload_error()} The rows are in the pool.",
            code=error.code,
            request_id=error.request_id,
        ) from error
    return False


async def _reason(session: Session, operation_id: str) -> str:
    try:
        log = await session.ask(lambda: list(session.client.operation_log(operation_id)))
    except ApiError as error:
        return f"its log cannot be read: {error}"
    for entry in log:
        output = entry.get("output")
        if entry.get("success") is False and isinstance(output, dict):
            return f"{output.get('code')}: {output.get('message')}"
    return "no reason was given"
