"""Commands that start, follow, answer and retry runs."""
