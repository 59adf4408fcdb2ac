"""Plans a run from its manifest: base model, hyperparameters, teacher and jobs."""
