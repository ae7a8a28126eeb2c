"""What comes in and goes out over the wire."""
