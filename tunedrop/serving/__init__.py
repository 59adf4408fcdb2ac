"""Serving a custom model: on-demand deployments and provisioned throughput, and the end of both."""
