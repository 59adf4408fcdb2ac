"""The commands, a module a group; each names its options and calls what does the work."""
