"""What a run will do: its base model, hyperparameters, teacher and customization jobs, from its manifest."""
