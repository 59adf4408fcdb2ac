"""Reports of a run: the notification, its summary, the HTML report."""
