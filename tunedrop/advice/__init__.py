"""Advice for new users: whether to tune, how, which base model, and with how much data.

A pure function of the known situation, giving statements with reason and source.
"""
