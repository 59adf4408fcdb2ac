"""Advice for somebody who begins: whether to tune at all, how, which base model, with how much data.

Pure: from what is known of a situation to statements, each with its reason and its source.
"""

from tunedrop.advice.advise import Advice, advise
from tunedrop.advice.situation import Profile, Situation

__all__ = ["Advice", "Profile", "Situation", "advise"]
