"""Counts, amounts and costs as people read them."""
