"""Statistics of a test set's scores: independent units, confidence intervals, statistical power."""
