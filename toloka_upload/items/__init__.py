"""Rows become the bytes that travel, what they are known by, and parts of requests.

In: rows that passed the check. Out: items, identities, chunks. Pure but for the spool.
Knows nothing of the network or the journal.
"""
