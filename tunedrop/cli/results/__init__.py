"""Commands that read what runs have produced."""
