"""Formats counts, amounts, costs and commands for people."""
