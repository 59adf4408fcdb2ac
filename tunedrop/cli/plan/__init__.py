"""Commands that plan a run."""
