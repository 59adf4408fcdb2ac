"""From an upload to a run: new uploads, retries, grown datasets, events that were lost."""
