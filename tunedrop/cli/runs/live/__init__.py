"""The live view of a run: redrawn in a terminal, one line per event in a pipe."""
