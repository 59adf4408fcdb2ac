"""Reinforcement fine-tuning: graders, and the rewards of held-out answers and rollouts."""
