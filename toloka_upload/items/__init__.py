"""A row becomes the bytes that travel, what it is known by, and part of a request.

In: rows that passed the check. Out: items, identities, chunks. Pure but for the spool.
Knows nothing of the network or the journal.
"""
