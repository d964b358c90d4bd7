"""Which reader an input gets: by `--format`, else by its extension, else by its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, BinaryIO

from toloka_upload.errors import BadInput, UsageProblem
from toloka_upload.rows import sniff
from toloka_upload.rows.json_stream import JsonStream
from toloka_upload.rows.jsonl import JsonLines
from toloka_upload.rows.model import ReadOptions, RowFile
from toloka_upload.rows.packing import SUFFIXES, Damaged
from toloka_upload.rows.source import Source

FORMATS = ("jsonl", "json", "csv", "tsv", "xlsx", "parquet")
"""The names that `--format` takes."""

_EXTENSIONS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonlines": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"


def open_rows(
    name: str,
    options: ReadOptions,
    task_spec: Mapping[str, Any] | None,
    *,
    stdin: BinaryIO | None = None,
) -> RowFile:
    """Open an input, and read as much of it as tells its format and its header (XLSX: all of it).

    Args:
        name: A path, or `-` for standard input.
        options: How to read it.
        task_spec: The project's `{"input_spec": {...}, "output_spec": {...}}`, which says what the cells of a
            table are. None: all cells are strings.
        stdin: What `-` is; None: the process's standard input.

    Raises:
        NoInput: It is missing, is a directory, or cannot be read.
        BadInput: Its header, encoding or archive cannot be used, or an extra is missing.
        UsageProblem: An option names no format, no encoding or no delimiter, or does not go with the format.
    """
    if options.format is not None and options.format not in FORMATS:
        raise UsageProblem(f"--format {options.format}: there are {', '.join(FORMATS)}")
    source: Source | None = None
    try:
        source = Source(name, encoding=options.encoding, stdin=stdin)
        return _reader(source, options, task_spec)
    except BaseException as error:
        if source:
            source.close()
        if isinstance(error, Damaged):
            raise BadInput(f"{name}:1: {error}", code="DAMAGED_FILE") from error
        raise


def _reader(source: Source, options: ReadOptions, task_spec: Mapping[str, Any] | None) -> RowFile:
    if options.format not in ("xlsx", "parquet") and (what := sniff.binary_file(source.magic)):
        raise _no_task_file(source, what)
    format_name = options.format or _told(source)
    if options.suites_by_blank_line and format_name not in ("csv", "tsv"):
        raise UsageProblem(
            f"{source.name}: --suites-by-blank-line goes with CSV and TSV; this is {format_name}"
        )
    if format_name == "xlsx":
        from toloka_upload.rows.xlsx import Workbook

        return Workbook(source, options, task_spec)
    if format_name == "parquet":
        return _parquet(source, options, task_spec)
    # What is no text in its encoding, or no file of tasks, is told now, not at the first row.
    if what := sniff.text_file(source.head(), format_name):
        raise _no_task_file(source, what)
    if format_name == "jsonl":
        return JsonLines(source, options)
    if format_name == "json":
        return JsonStream(source, options)
    from toloka_upload.rows.delimited import Delimited

    return Delimited(source, format_name, options, task_spec)


def _parquet(source: Source, options: ReadOptions, task_spec: Mapping[str, Any] | None) -> RowFile:
    try:
        from toloka_upload.rows.parquet import Parquet
    except ImportError as error:
        raise BadInput(
            f"{source.name}: reading Parquet needs the package pyarrow: pip install 'pyarrow>=17'",
            code="EXTRA_MISSING",
            install="pyarrow>=17",
        ) from error
    return Parquet(source, options, task_spec)


def _no_task_file(source: Source, what: str) -> BadInput:
    return BadInput(f"{source.name}: this seems to be {what}", code="NOT_A_TASK_FILE")


def _told(source: Source) -> str:
    """Tell the format from what cannot be anything else, from the extension, or from the first line."""
    if source.magic.startswith(_ZIP):
        return "xlsx"
    if source.magic.startswith(_PARQUET):
        return "parquet"
    extension = _extension(source.name)
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    found = _by_content(source.head().lstrip())
    return "json" if extension == ".json" and found != "jsonl" else found


def _extension(name: str) -> str:
    path = PurePath(name.lower())
    return (path.with_suffix("") if path.suffix in SUFFIXES else path).suffix


def _by_content(head: bytes) -> str:
    """Tell JSON from JSON Lines, which often go by the same extension, and both from tables."""
    if head.startswith(b"["):
        return "json"
    if head.startswith(b"{"):
        return "jsonl" if sniff.is_json(head.split(b"\n", 1)[0]) else "json"
    return "tsv" if b"\t" in head.split(b"\n", 1)[0] else "csv"
