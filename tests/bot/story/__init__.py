"""One citizen's story."""
