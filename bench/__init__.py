"""What is measured, one command: `make bench`, or `python -m bench NAME` for one of them."""
