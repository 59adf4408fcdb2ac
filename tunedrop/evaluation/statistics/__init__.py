"""What the scores of a test set prove: independent units, confidence intervals, statistical power."""
