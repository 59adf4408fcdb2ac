"""Serving custom models: deployments, provisioned throughput and imported models, and their deletion."""
