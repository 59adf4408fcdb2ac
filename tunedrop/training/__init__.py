"""Customization jobs: what must hold before one is paid for, starting one, and how it ended."""
