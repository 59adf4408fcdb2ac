"""The command line: the same code as the Lambdas, for people and for scripts."""
