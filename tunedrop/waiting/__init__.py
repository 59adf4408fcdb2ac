"""Waiting without polling: callback tokens in a table, resolved on events and, in case one is lost, on a
schedule."""
