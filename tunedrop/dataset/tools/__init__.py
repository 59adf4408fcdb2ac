"""Repairing and converting datasets."""
