"""One module per Lambda step, which calls the domain to produce the step's output."""
