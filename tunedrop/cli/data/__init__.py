"""Commands that work on a dataset on this machine: advise, init, check, convert, estimate, explain."""
