"""Reading: files of every format a requester has, as streams of rows.

In: a file, how to read it, what the project says cells are. Out: batches, good rows by the column and bad rows beside
them. Knows nothing of the API.
"""

from toloka_upload.rows.model import Fault, Kind, ReadOptions, Row, RowFile
from toloka_upload.rows.opening import open_rows

__all__ = ["Fault", "Kind", "ReadOptions", "Row", "RowFile", "open_rows"]
