"""What a record can look like, one file a shape."""
