"""Asking for a pool and its project outside a run (templates, rehearsals)."""

from __future__ import annotations

from pathlib import Path

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from toloka_upload.api.client import Client
from toloka_upload.api.errors import ApiError, NotFound
from toloka_upload.api.target import Target, require_token
from toloka_upload.session.pool import Pool, no_such_pool, pool_of

_PATIENCE = 60.0


def read_once(target: Target, state_dir: Path, pool_id: str) -> Pool:
    """
    A pool (or training) and its project.

    Raises:
        Denied: There is no token, or it is wrong.
        Refused: There is no such pool.
        TryAgain: The service has been failing for a minute.
        CannotWrite: The local emulator's data cannot be kept.
    """
    require_token(target)
    if target.env != "local":
        return _read(Client(target), target, pool_id)
    from toloka_upload.api.local import local_api

    with local_api(state_dir) as handler:
        return _read(Client(target, handler=handler), target, pool_id)


def _read(client: Client, target: Target, pool_id: str) -> Pool:
    patiently = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, ApiError) and error.passes),
        stop=stop_after_delay(_PATIENCE),
        wait=wait_random_exponential(max=10),
        reraise=True,
    )
    try:
        try:
            details, training = patiently(client.pool, pool_id), False
        except ApiError as error:
            if not isinstance(error, NotFound) and error.code != "POOL_IS_TRAINING":
                raise
            try:
                details, training = patiently(client.training, pool_id), True
            except NotFound:
                raise no_such_pool(pool_id, target, error) from error
        project = patiently(client.project, str(details.get("project_id", "")))
    except ApiError as error:
        raise error.as_upload_error() from error
    finally:
        client.close()
    return pool_of(pool_id, details, project, training=training)
