"""What the API refuses, or cannot do at present, and what stands between it and us."""

from __future__ import annotations

from collections.abc import Mapping

from toloka_upload.explanations.model import LATER, Explanation

_FULL = "The pool is full: make another, and a file for it of the rows that are left: --results names them as unsent."
_TOKEN = "Check TOLOKA_TOKEN, --env (tokens of production and sandbox differ) and --account."  # noqa: S105  # says where it is

API: Mapping[str, Explanation] = {
    "TASK_VALIDATION_ERROR": Explanation(
        "The API refuses rows for what they are; each is listed with its reason.",
        "a field that the project requires is missing",
        "Correct these rows.",
    ),
    "TASKS_CREATION_DOES_NOT_FIT_QUOTA": Explanation(
        "The account may not create so many tasks.",
        "the sandbox takes small samples only",
        "The account's own quota is used up: ask the platform's support to raise it; the rows that are in stay in, "
        "and the same command goes on from there.",
    ),
    "POOL_TASKS_COUNT_EXCEEDED": Explanation(
        "The pool has as many tasks as a pool may have.", "1,000,000 tasks are in the pool", _FULL
    ),
    "POOL_TASK_SUITES_COUNT_EXCEEDED": Explanation(
        "The pool has as many task suites as a pool may have.",
        "1,000,000 task suites are in the pool",
        _FULL,
    ),
    "POOL_ASSIGNMENTS_COUNT_EXCEEDED": Explanation(
        "The pool's tasks are assigned as often as a pool allows.",
        "a million tasks with an overlap of 3",
        _FULL,
    ),
    "MIXER_CONFIG_REQUIRED": Explanation(
        "Tasks go to a pool that has no smart mixing.",
        "a file of tasks for a pool of task suites",
        "The pool has no smart mixing and takes task suites: add --suite-size N.",
    ),
    "POOL_TASK_TYPE_CONFLICT": Explanation(
        "The pool takes another kind of items than the file has.",
        "task suites for a pool with smart mixing; general tasks for a pool that pays nothing",
        "The pool takes another kind of items: check its smart mixing and its price.",
    ),
    "POOL_INAPPROPRIATE_STATUS": Explanation(
        "The pool's status does not allow new tasks.",
        "the pool is archived",
        "The pool's status does not allow new tasks: an archived pool has to be cloned.",
    ),
    "INAPPROPRIATE_STATUS": Explanation(
        "The status of the pool, or of its project, does not allow this.",
        "the pool is archived",
        "The pool's status does not allow this: an archived pool has to be cloned.",
    ),
    "PROJECT_INAPPROPRIATE_STATUS": Explanation(
        "The project's status does not allow this.",
        "the project is archived",
        "The project's status does not allow this: is it archived?",
    ),
    "UNARCHIVED_POOLS_CONFLICT": Explanation(
        "A project cannot be archived while its pools are not.",
        "one pool of the project is still open",
        "Archive the project's pools first.",
    ),
    "NOT_ENOUGH_BALANCE": Explanation(
        "There is not enough money to open the pool.",
        "--open-pool with an empty account",
        "The tasks are in the pool; top up the account and open the pool.",
    ),
    "BILLING_NOT_SYNCHRONIZED": Explanation(
        "The platform does not know the account's balance at present, and opens no pool.",
        "--open-pool right after a payment",
        "The tasks are in the pool; open it later.",
    ),
    "EMPTY_POOL": Explanation(
        "A pool without tasks cannot be opened.",
        "--open-pool with an empty file",
        "The pool has no tasks and cannot be opened.",
    ),
    "POOL_IS_TRAINING": Explanation(
        "The id is that of a training.",
        "--pool with a training's number",
        "Nothing: a training takes tasks like a pool.",
    ),
    "POOL_LOCKED_BY_ANOTHER_OPERATION": Explanation(
        "Another operation is at work on the pool.",
        "somebody uploads to it from the web interface",
        LATER,
    ),
    "CONFLICT_STATE": Explanation(
        "Another request to the same thing is under way.", "two uploads to one pool", LATER
    ),
    "OPERATION_ALREADY_EXISTS": Explanation(
        "The API has a request with this operation id already.",
        "an answer was lost, and the same request went again",
        "Nothing: the rows of that request are looked up, and none is doubled.",
    ),
    "OPERATION_EXECUTION_ERROR": Explanation(
        "The API broke off an operation.", "a fault at the server in the middle of it", LATER
    ),
    "OPERATION_LOGS_ARCHIVED": Explanation(
        "The API keeps what an operation did for about a month, and that time is over.",
        "an upload of last year is settled",
        "Nothing: the rows are looked up in the pool.",
    ),
    "BATCH_INITIALIZATION_ERROR": Explanation(
        "The API could not begin a request; it may be too large.",
        "many rows with much text",
        "Try a smaller --chunk-size; requests are halved by themselves as well.",
    ),
    "BATCH_REJECTED": Explanation(
        "The API refuses a request as a whole; it may be too large.",
        "many rows with much text",
        "Try a smaller --chunk-size; requests are halved by themselves as well.",
    ),
    "ENTITY_TOO_LARGE": Explanation(
        "The request is too large for the API, or for a proxy before it.",
        "a proxy that takes 1 MB at most",
        "Try a smaller --chunk-size; requests are halved by themselves as well.",
    ),
    "DOES_NOT_EXIST": Explanation(
        "There is nothing with that id.",
        "a pool of the sandbox is looked for in production",
        "Check the id and --env: production and sandbox have pools of their own.",
    ),
    "NOT_FOUND": Explanation(
        "There is nothing at that address.",
        "--url names another service",
        "Check the id, --env and --url.",
    ),
    "ACCESS_DENIED": Explanation(
        "The token may not do this.", "a token of another account, or one that only reads", _TOKEN
    ),
    "AUTHENTICATION_ERROR": Explanation(
        "The API does not know the token.", "a token that was revoked, or copied in part", _TOKEN
    ),
    "OAUTH_AUTHENTICATION_ERROR": Explanation(
        "The API does not know the OAuth token.", "an OAuth token that has expired", _TOKEN
    ),
    "TOO_MANY_REQUESTS": Explanation(
        "The account has sent all that it may in this minute, hour or day.",
        "another program uses the same account",
        f"{LATER} Where the account may not send as many items as one request has, add a smaller --chunk-size.",
    ),
    "INTERNAL_ERROR": Explanation("The API failed.", "HTTP 500", LATER),
    "REMOTE_SERVICE_UNAVAILABLE": Explanation(
        "A part of the API is not there at present.", "HTTP 503", LATER
    ),
    "MALFORMED_JSON": Explanation(
        "The API could not read the request.",
        "a proxy changes what is sent",
        "Send it without the proxy; if there is none, report it.",
    ),
    "METHOD_NOT_ALLOWED": Explanation(
        "What answers does not take this kind of request.",
        "--url names another service",
        "Check --url.",
    ),
    "NOT_ACCEPTABLE": Explanation(
        "What answers does not answer in JSON.", "--url names another service", "Check --url."
    ),
    "UNSUPPORTED_MEDIA_TYPE": Explanation(
        "What answers does not take JSON.", "--url names another service", "Check --url."
    ),
    "HTTP_NNN": Explanation(
        "An answer with this HTTP status, and without a code of the API's own: often from a proxy.",
        "HTTP_502 and a page that says Bad Gateway",
        f"Check --url and the proxy's settings. {LATER}",
    ),
    "NO_CONNECTION": Explanation(
        "The API could not be reached; nothing was sent.",
        "no network, a name that cannot be resolved, a firewall, a wrong --url",
        f"Check the network, --url and HTTPS_PROXY. {LATER}",
    ),
    "CONNECTION_LOST": Explanation(
        "The connection broke before the answer came.", "a wireless network that fails", LATER
    ),
    "TIMEOUT": Explanation(
        "No answer came in time.",
        "a server that is busy with a large request",
        f"{LATER} --timeout waits longer.",
    ),
    "LISTING_NOT_SORTED": Explanation(
        "The API lists the pool in another order than it was asked for, so that tasks could be missed.",
        "a server that ignores the parameter sort",
        "Check --url: the API sorts as it is asked to. If it is the API, report it.",
    ),
    "BAD_ANSWER": Explanation(
        "The answer is not what the API's documents say.",
        "a login page of the network in between",
        f"Check --url and whether the network asks for a login. {LATER}",
    ),
}
"""Codes of the API and of the way to it."""
