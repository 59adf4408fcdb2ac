"""The SageMaker AI of the local stage: serverless customization jobs, the public hub, model packages."""
