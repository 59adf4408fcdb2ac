"""Commands about runs: submit, follow, list, approve, stop, retry."""
