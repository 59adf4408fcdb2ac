"""Commands about models in production."""
