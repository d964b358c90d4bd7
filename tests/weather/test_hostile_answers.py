"""Answers that are JSON, and nothing that anybody would send: deep as no stack is, with numbers that no number is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import orjson
import pytest
from outing import MakeWeather, Outing, flat, together

from toloka_upload.emulator import Request
from toloka_upload.emulator.messages import Response
from toloka_upload.errors import ExitStatus

HUGE = "9" * 5000
FAULT = '{"code":"X","message":"m"}'


def nested(levels: int, inside: str = '"x"') -> str:
    """An object in an object, and so on."""
    return '{"a":' * levels + inside + "}" * levels


def refusal(payload: str) -> str:
    """The body of a 400."""
    return f'{{"code":"VALIDATION_ERROR","message":"m","payload":{payload}}}'


def entry(**members: str) -> str:
    """A log of one entry."""
    return f'[{{"type":"A","success":false,{",".join(f"{chr(34)}{k}{chr(34)}:{v}" for k, v in members.items())}}}]'


LOG, ITEMS = "/log", "/tasks"
PROJECT = '{{"id":"1","status":"ACTIVE","task_spec":{{"input_spec":{},"output_spec":{{}}}}}}'
ANSWERS: dict[str, tuple[str, str, int, str]] = {
    "huge index": ("POST", ITEMS, 400, refusal(f'{{"{HUGE}":{{"x":{FAULT}}}}}')),
    "deep payload": ("POST", ITEMS, 400, refusal(nested(985, FAULT))),
    "deep item": ("POST", ITEMS, 400, refusal(f'{{"0":{nested(1000, FAULT)}}}')),
    "deep error": ("POST", ITEMS, 500, refusal(nested(985))),
    "deep map": ("POST", ITEMS, 201, f'{{"items":{{"{HUGE}":{{"id":"t"}}}},"validation_errors":'
                 f'{{"0":{nested(985, FAULT)},"1":{nested(19, FAULT)},"{HUGE}":{FAULT}}}}}'),
    "deep listing": ("GET", ITEMS, 200, f'{{"items":[{{"id":"t","input_values":{nested(985)}}}],"has_more":false}}'),
    "deep solutions": ("GET", ITEMS, 200, f'{{"items":[{{"id":"t","input_values":{{}},"known_solutions":'
                       f'[{nested(985)}]}}],"has_more":false}}'),
    "deep log input": ("GET", LOG, 200, entry(input=f'{{"input_values":{nested(900)}}}', output=FAULT)),
    "deep log output": ("GET", LOG, 200, entry(input='{"__item_idx":"0"}', output=nested(985, FAULT))),
    "huge marker": ("GET", LOG, 200, entry(input=f'{{"__item_idx":"{HUGE}"}}', output=FAULT)),
    "deep pool": ("GET", "/pools/21", 200, f'{{"id":"21","mixer_config":{{}},"project_id":"1","x":{nested(985)}}}'),
    "deep project": ("GET", "/projects/1", 200, PROJECT.format(f'{{"image":{{"type":"url","x":{nested(985)}}}}}')),
}  # fmt: skip


def _upload(weather: MakeWeather, name: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> Outing:
    method, path, status, body = ANSWERS[name]
    orjson.loads(body)
    here = weather()
    handle: Callable[[Request], Response] = here.server.emulator.handle

    def hostile(request: Request) -> Response:
        if request.method == method and request.path.endswith(path):
            return Response(status, {"content-type": "application/json"}, body.encode())
        return handle(request)

    monkeypatch.setattr(here.server.emulator, "handle", hostile)
    return here.upload(flat(2), mode=mode, retry_for=0.5, settle_pause=0.05)


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_no_answer_breaks_a_run(
    weather: MakeWeather, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Whatever it answers and where: the run ends with a status that says so, and the counts add up."""
    for name, run in zip(
        ANSWERS,
        together(*(partial(_upload, weather, name, mode, monkeypatch) for name in ANSWERS)),
        strict=True,
    ):
        assert run.status in (
            ExitStatus.OK,
            ExitStatus.REJECTED,
            ExitStatus.UNKNOWN,
            ExitStatus.TRY_AGAIN,
        ), (name, run.error)
        run.adds_up()
