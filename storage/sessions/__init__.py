"""What is remembered between two messages: sessions, answers given, push windows, and small shared values."""
