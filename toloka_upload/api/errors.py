"""What can go wrong between us and the API, as types. Each says whether the request may have had an effect.

    ApiError
    ├── ConnectionFailed      nothing was sent                                    no effect, passes
    ├── AnswerLost            sent, and no answer that can be read came back      maybe an effect, passes
    │   └── ForeignAnswer     an answer that is not the API's own                 maybe an effect, passes
    ├── ServerFailed          408, 5xx                                            maybe an effect, passes
    ├── RateLimited           429                                                 no effect, passes
    ├── Busy                  409: locked, or in conflict with another operation  no effect, passes
    ├── OperationExists       409: this operation id was used before              the earlier request had it
    ├── TooLarge              413, or a code that says the same                   no effect, smaller pieces
    ├── InvalidItems          400 with what is wrong with which item              no effect
    ├── AccessDenied          401, 403                                            no effect
    │   └── ForeignDenial     the same, and not the API's own                     maybe an effect
    ├── NotFound              404                                                 no effect
    └── RequestRefused        any other 4xx or 3xx                                no effect

"Passes" means that the same request may succeed later; everything else would be refused again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toloka_upload.errors import Denied, Refused, TryAgain, UploadError
from toloka_upload.explanations import EXPLANATIONS, LATER


class ApiError(Exception):
    """An answer that is not what was asked for, or no answer at all.

    Attributes:
        passes: Whether the same request may succeed later.
        effect: Whether the request may have had an effect.
        status: The HTTP status, or None where no answer came.
        code: The API's code (`VALIDATION_ERROR`), or a short name of ours.
        message: What the API said, or what was seen.
        request_id: The API's id of the request, where it gave one.
        payload: The error's `payload`, as parsed.
        retry_after: The `Retry-After` header as it came.
        date: The `Date` header as it came.
    """

    passes = False
    effect = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        payload: Any = None,
        retry_after: str | None = None,
        date: str | None = None,
        request: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.payload = payload
        self.retry_after = retry_after
        self.date = date
        self.request = request

    def __str__(self) -> str:
        named = self.code == f"HTTP_{self.status}"
        status = f"HTTP {self.status} " if self.status and not named else ""
        where = f" (request_id {self.request_id})" if self.request_id else ""
        return f"{self.request}: {status}{self.code.replace('_', ' ') if named else self.code}: {self.message}{where}"

    def as_upload_error(self) -> UploadError:
        """The error that ends a run because of this one: what happened, and what to do."""
        kind, remedy = _ENDINGS.get(type(self), (Refused, ""))
        if self.code in _REFUSALS:
            kind, remedy = Refused, EXPLANATIONS[self.code].fix
        text = f"{self}. {remedy}" if remedy else str(self)
        return kind(text, code=self.code, request_id=self.request_id)


class ConnectionFailed(ApiError):
    """No connection came about; nothing was sent."""

    passes = True


class AnswerLost(ApiError):
    """The request may have arrived, and no answer that can be read came back."""

    passes = True
    effect = True


class ForeignAnswer(AnswerLost):
    """A request to create came back with a refusal that has no code of the API: a proxy's page, a redirect.

    It says nothing about the work, which may have been done behind it.
    """


class ServerFailed(ApiError):
    """The service failed (408, 5xx). It may have done its work all the same."""

    passes = True
    effect = True


class RateLimited(ApiError):
    """The API refused the request for its rate (429). Nothing was created; sending again is safe."""

    passes = True

    @property
    def interval(self) -> str | None:
        """The quota's window that is used up: `MIN`, `HOUR`, `DAY`, or None where the API does not say."""
        value = self.payload.get("interval") if isinstance(self.payload, Mapping) else None
        return value if isinstance(value, str) else None


class Busy(ApiError):
    """The pool is locked, or another operation is in the way (409). Nothing was created."""

    passes = True


class OperationExists(ApiError):
    """A request with this operation id was received before (409); nothing is created again."""


class TooLarge(ApiError):
    """The request is too large (413, or a code that says so). Nothing was created; smaller pieces may pass."""


class InvalidItems(ApiError):
    """Items of the request are invalid (400). Nothing was created. `payload` says what is wrong with which."""


class AccessDenied(ApiError):
    """The credentials are wrong, or lack the permission (401, 403)."""


class ForeignDenial(AccessDenied):
    """A denial without a code of the API. The request before it may have had an effect."""

    effect = True


class NotFound(ApiError):
    """There is no such thing (404)."""


class RequestRefused(ApiError):
    """The API refuses the request and would refuse it again."""


_ENDINGS: Mapping[type[ApiError], tuple[type[UploadError], str]] = {
    ConnectionFailed: (TryAgain, LATER),
    AnswerLost: (TryAgain, LATER),
    ForeignAnswer: (
        TryAgain,
        f"This is no answer of the API: a proxy or another server may stand between. {LATER}",
    ),
    ServerFailed: (TryAgain, LATER),
    RateLimited: (TryAgain, EXPLANATIONS["TOO_MANY_REQUESTS"].fix),
    Busy: (TryAgain, LATER),
    AccessDenied: (Denied, EXPLANATIONS["ACCESS_DENIED"].fix),
    ForeignDenial: (Denied, "This is no answer of the API: does a proxy ask for a login?"),
    NotFound: (Refused, EXPLANATIONS["DOES_NOT_EXIST"].fix),
}

_REFUSALS = frozenset(
    {
        "TASKS_CREATION_DOES_NOT_FIT_QUOTA",
        "POOL_TASKS_COUNT_EXCEEDED",
        "POOL_TASK_SUITES_COUNT_EXCEEDED",
        "POOL_ASSIGNMENTS_COUNT_EXCEEDED",
        "MIXER_CONFIG_REQUIRED",
        "POOL_TASK_TYPE_CONFLICT",
        "POOL_INAPPROPRIATE_STATUS",
        "INAPPROPRIATE_STATUS",
        "PROJECT_INAPPROPRIATE_STATUS",
        "NOT_ENOUGH_BALANCE",
        "EMPTY_POOL",
    }
)
"""Codes that mean a refusal, whatever the answer's status; `explanations` says what to do."""
