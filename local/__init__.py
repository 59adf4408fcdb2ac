"""What stands in for AWS on this machine: MiniStack, and a Bedrock that learns. Nothing here is deployed."""
