"""Mutants that change nothing, and why: no test can notice them, and the score leaves them out."""

from __future__ import annotations

EQUIVALENT = {
    "sending/operation_log.py": {
        "len(set(there)) <= len(there)": "without doubles the ids stay as they are, at once or by counting",
        "(0 < index < items)": "the quick way alone: `_note` then does the same",
        "(1 <= index < items)": "the quick way alone: `_note` then does the same",
        "if index <= 0:": "0 is taken before, where there are items at all",
        "if index < 1:": "0 is taken before, where there are items at all",
        "return -2": "any negative number is no item",
    },
    "journal/packing.py": {
        "len(indexes) <= len(data)": "two ways to the same ids, at the size where they cost the same",
    },
    "journal/lock.py": {
        "if self._file > 0:": "a lock is not standard input",
    },
    "policies/rate.py": {
        "default=1.0)": "an entry is kept for a week at least",
        "if seconds >= self._paused(now):": "two pauses with one end are one",
        "if now <= since:": "at the moment it began, a pause has its whole length either way",
        "log.close()  ->  None": "a file that cannot be opened is closed by its last reference, too",
        "log.execute('CREATE INDEX IF NOT EXISTS sent_by_time ON sent (key, at, items)')  ->  None": "it is slower",
    },
}
"""By module: a part of what stands there then, or the whole description; and the reason."""


def is_equivalent(module: str, what: str) -> bool:
    """Whether a mutant is one of these; `what` is its description."""
    after = what.partition("  ->  ")[2]
    return any(part in after or part == what for part in EQUIVALENT.get(module, {}))
