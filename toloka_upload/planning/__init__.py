"""From rows to planned chunks: each row is checked, recognised as known, or placed in a chunk. And what they cost.

In: batches of rows, what the journal knows. Out: chunks in the spool, rows that end here. Knows nothing of sending.
"""
