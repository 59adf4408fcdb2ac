"""Records that are duplicates of others, or leak from one file into another."""
