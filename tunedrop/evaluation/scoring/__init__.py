"""Scores of one answer against its reference: words, n-grams, labels, JSON."""
