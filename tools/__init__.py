"""What maintainers run: pinning, releasing."""
