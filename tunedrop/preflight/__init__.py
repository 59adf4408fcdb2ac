"""Checks everything that would fail later, before training is paid for."""
