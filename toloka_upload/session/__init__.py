"""What the parts of one run share: asking with budget, the account's limits, stopping, the state of each pool.

In: settings, a client, a clock. Out: answers of the API, permission to send. Knows nothing of planning.
"""
