"""What a Lambda step calls, one module a step."""
