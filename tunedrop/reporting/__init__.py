"""Everything that reports a run: notification, chat message, summary, HTML report, pages, events."""
