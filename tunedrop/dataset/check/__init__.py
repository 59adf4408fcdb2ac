"""Checks datasets: all records and findings, in bounded memory."""
