"""Commands for maintainers: pinning, releasing, mutation testing."""
