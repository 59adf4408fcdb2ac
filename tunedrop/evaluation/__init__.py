"""Compares base and tuned model on held-out prompts: answers, scores, confidence intervals, verdict."""
