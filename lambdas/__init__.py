"""One folder a step: a thin handler that parses, calls the domain and returns a contract."""
