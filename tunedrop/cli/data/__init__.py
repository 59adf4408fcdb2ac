"""Commands that work on datasets on this machine."""
