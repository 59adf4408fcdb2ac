"""Tunedrop: drop a dataset into S3, get a fine-tuned Amazon Bedrock model back.

The domain of the pipeline: pure, typed Python that knows nothing of the AWS CDK or of Lambda handlers.
"""

__version__ = "0.1.0"
