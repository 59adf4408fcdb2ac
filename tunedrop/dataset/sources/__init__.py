"""Where the bytes of a dataset come from, and how files of any container become JSON lines."""
