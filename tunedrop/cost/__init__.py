"""Estimated and actual cost of runs. Every price comes from the catalog, with source and date."""
