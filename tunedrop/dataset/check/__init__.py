"""Checking a dataset: every record, every finding, in bounded memory."""
