"""How a run ends: its outcome, its report, the registry's last word, and one notification."""
