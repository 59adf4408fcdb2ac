"""Advice for somebody who begins: whether to tune at all, how, which base model, with how much data.

Pure: from what is known of a situation to statements, each with its reason and its source.
"""
