"""Splitting a checked dataset, and writing it for Bedrock."""
