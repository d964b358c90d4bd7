"""Checking rows before anything is sent: their structure, and their values against the project's spec."""

from toloka_upload.check.spec import Spec
from toloka_upload.check.structure import check_suite, check_task

__all__ = ["Spec", "check_suite", "check_task"]
