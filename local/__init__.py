"""The embedded AWS: MiniStack, and a Bedrock that learns. Nothing here is deployed."""
