"""One module per Lambda step: its input, and the calls into the domain that make its output."""
