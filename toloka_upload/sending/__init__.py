"""A chunk's way from the spool to one outcome a row: request, operation, log, reconciliation.

Recovery of earlier runs takes the same way.

In: planned chunks. Out: outcomes, entered in the journal and reported. Knows nothing of terminals and files.
"""
