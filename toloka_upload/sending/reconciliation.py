"""What is known of a chunk's items. Pure.

Nothing is assumed. An item is created if the log or the listing gives its id, refused if the log says so, and free to
go again only if it is proven that it was not created; all else is unknown.
"""

from __future__ import annotations

from toloka_upload.journal import SentChunk
from toloka_upload.outcomes import Outcome, Status
from toloka_upload.sending.operation_log import LogReading


class Reconciliation:
    """What is known of a chunk's items, as it is found out.

    Attributes:
        reading: Ids and faults so far.
        free: Items that are proven not to have been created: they may go again.
        taken_back: Of the free ones, those that were created once and taken back since.
        named_twice: Items whose id, as the log has it, is another chunk's.
    """

    def __init__(self, reading: LogReading) -> None:
        self.reading = reading
        self.free: set[int] = set()
        self.taken_back: set[int] = set()
        self.named_twice: set[int] = set()

    def learn(self, reading: LogReading) -> None:
        """Take over what a log tells; of what it does not tell, the knowledge so far stays."""
        before, self.reading = self.reading, reading
        untold = reading.untold()
        told = set(reading.ids) if untold else ()
        for index in untold:
            if before.ids[index] not in told:
                reading.ids[index] = before.ids[index]
            if index in before.faults:
                reading.faults[index] = before.faults[index]

    def open(self) -> list[int]:
        """Items of which nothing is known yet."""
        return [index for index in self.reading.untold() if index not in self.free]

    def outcome(self, sent: SentChunk) -> Outcome:
        """The outcome of every row: each has its item's."""
        ids = self.reading.ids
        if all(ids):
            return Outcome(bytearray([Status.CREATED]) * sent.rows, ids, {})
        statuses = bytearray()
        faults = {}
        sizes = sent.per_item or [1] * sent.items
        for index, rows in enumerate(sizes):
            if self.reading.ids[index]:
                status = Status.CREATED
            elif index in self.reading.faults:
                status = Status.REJECTED
                for row in range(len(statuses), len(statuses) + rows):
                    faults[row] = self.reading.faults[index]
            else:
                status = Status.UNSENT if index in self.free else Status.UNKNOWN
            statuses += bytes([status]) * rows
        return Outcome(statuses, self.reading.ids, faults)


def nothing_known(sent: SentChunk) -> Reconciliation:
    """The reconciliation before anyone was asked."""
    return Reconciliation(LogReading([""] * sent.items))
