"""Advice for new users: whether to tune, how, which base model, and with how much data.

Pure: from what is known of a situation to statements, each with its reason and its source.
"""
