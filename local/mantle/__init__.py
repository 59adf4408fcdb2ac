"""bedrock-mantle, Bedrock's OpenAI-compatible API: files, fine-tuning jobs, and chat with what they make."""
