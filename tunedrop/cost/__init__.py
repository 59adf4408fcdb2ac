"""What a run will cost and what it has cost. Every price is the catalog's, with its source and date."""
