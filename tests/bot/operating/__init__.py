"""What operators type and see."""
