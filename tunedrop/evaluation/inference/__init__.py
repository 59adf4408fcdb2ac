"""Calls the models with the held-out prompts, within the time and the rate that they allow."""
