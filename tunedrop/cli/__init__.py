"""The command line, for people and scripts. It runs the same code as the Lambda functions."""
