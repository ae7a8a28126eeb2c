"""What is done without a message."""
