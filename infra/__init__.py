"""What is deployed: one construct a file, put together in `stack`."""
