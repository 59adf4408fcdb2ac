"""Any container and encoding, read into JSON lines with the place of each."""
