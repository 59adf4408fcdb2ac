"""The rules of records, files and datasets."""
