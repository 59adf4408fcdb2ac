"""The decision whether the tuned model is promoted: the gate, its guards, and the reasons it gives."""
