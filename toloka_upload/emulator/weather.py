"""What a scripted fault does to one request: the answers and losses behind the names of `ACTIONS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from math import ceil
from typing import Any

from toloka_upload.emulator.faults import Fault, Faults
from toloka_upload.emulator.messages import (
    ConnectionLost,
    Refusal,
    Response,
    html_page,
    too_many_requests,
)
from toloka_upload.emulator.work import FAIR, Fate

_REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_CODES = {
    500: "INTERNAL_ERROR",
    502: "REMOTE_SERVICE_UNAVAILABLE",
    503: "REMOTE_SERVICE_UNAVAILABLE",
}


class Weather:
    """What happens to one request, as far as it is known.

    Attributes:
        fault: The fault that it meets; one of operations only once it makes an operation.
    """

    def __init__(self, faults: Faults, method: str, path: str, operation_id: str | None) -> None:
        self._faults = faults
        self._request = (method, path, operation_id)
        self.fault = faults.meet(*self._request)

    def fate(self) -> Fate:
        """What is settled for the operation that the request makes now."""
        if self.fault is None:
            self.fault = self._faults.meet(*self._request, operation=True)
        make = _FATES.get(self.fault.action) if self.fault else None
        return replace(FAIR, **make(self.fault.settings)) if self.fault and make else FAIR


def before(fault: Fault, now: float, sleep: Callable[[float], None]) -> Response | None:
    """Bring on a fault that comes before the work. None: the request goes on.

    Raises:
        ConnectionLost: There is no answer.
        Refusal: With the API's envelope.
    """
    settings = fault.settings
    match fault.action:
        case "reset":
            raise ConnectionLost("reset")
        case "hang":
            raise ConnectionLost("hang", seconds=settings["seconds"])
        case "delay":
            sleep(settings["seconds"])
        case "refuse":
            return _refusal(fault)
        case "throttle":
            raise _throttled(settings["kind"], settings["seconds"], now)
        case "too-large":
            page = "413 Request Entity Too Large" if settings["body"] == "html" else ""
            raise Refusal("ENTITY_TOO_LARGE", page=page)
        case "quota":
            raise Refusal("TASKS_CREATION_DOES_NOT_FIT_QUOTA")
    return None


def after(fault: Fault, response: Response) -> Response:
    """What is left of the answer to work that was done.

    Raises:
        ConnectionLost: Nothing, or a part.
    """
    match fault.action:
        case "reset-after":
            raise ConnectionLost("reset")
        case "hang-after":
            raise ConnectionLost("hang", seconds=fault.settings["seconds"])
        case "cut":
            raise ConnectionLost("cut", response)
        case "refuse-after":
            return _refusal(fault)
        case "truncate":
            return response._replace(body=response.body[: len(response.body) // 2])
        case "empty":
            return response._replace(body=b"")
        case "html":
            return html_page(response.status, "Please sign in to this network")
    return response


_FATES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "fail-operation": lambda settings: {"part": settings["part"], "log": settings["log"]},
    "stick-operation": lambda settings: {"stuck": settings["seconds"]},
    "empty-log": lambda _: {"no_log": True},
    "late-log": lambda settings: {"late": settings["seconds"]},
    "archive-log": lambda _: {"archived": True},
    "gappy-log": lambda settings: {"gaps": settings["part"]},
}


def _refusal(fault: Fault) -> Response:
    status, body = fault.settings["status"], fault.settings["body"]
    if body == "empty":
        return Response(status, {}, b"")
    reason = _REASONS.get(status, "Refused")
    if body == "html":
        return html_page(status, f"{status} {reason}")
    code = fault.settings["code"] or _CODES.get(status, "INTERNAL_ERROR")
    return Refusal(code, status=status, message=fault.settings["message"] or reason).response()


def _throttled(kind: str, seconds: float, now: float) -> Refusal:
    if kind == "bare":
        return too_many_requests()
    if kind == "seconds":
        return too_many_requests(retry_after=str(ceil(seconds)))
    if kind == "date":
        return too_many_requests(retry_after=formatdate(ceil(now + seconds), usegmt=True))
    return too_many_requests(interval=kind)
