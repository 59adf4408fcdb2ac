"""The end of a run: its result, report, final registry entry and one notification."""
