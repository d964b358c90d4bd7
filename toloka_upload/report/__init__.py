"""What a run leaves for people and programs: the summary, the results, the rejects, the events."""
