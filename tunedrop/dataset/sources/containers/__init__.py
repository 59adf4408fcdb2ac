"""Reads files of any container and encoding into JSON lines, with the original place of each."""
