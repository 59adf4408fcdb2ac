"""Training jobs: starting them, following them, and the verdict on their loss curves."""
