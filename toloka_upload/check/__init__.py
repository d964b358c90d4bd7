"""Checking rows before anything is sent: their structure, and their values against the project's spec.

In: rows, a project's spec. Out: faults in the API's own codes; many good rows are told to be good by the column. Knows
nothing of files.
"""

from toloka_upload.check.spec import Spec
from toloka_upload.check.structure import check_suite, check_task

__all__ = ["Spec", "check_suite", "check_task"]
