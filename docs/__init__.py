"""The documentation: pages in Markdown, and `docs.reference`, which writes the reference from the code."""
