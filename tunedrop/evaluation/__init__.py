"""Base against tuned on held-out prompts: ask, score, bound the difference, decide."""
