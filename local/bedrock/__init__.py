"""The Bedrock of the local stage: Bedrock's API, refusals, states, files, over a tiny model that learns."""
