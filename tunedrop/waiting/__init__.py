"""Waiting without polling: task tokens parked in one table, settled by events and, to be sure, a schedule."""
