"""The live view of a run: on a terminal as it goes, in a pipe a line an event."""
