"""Commands about billed resources: what costs money now, and how to delete it."""
