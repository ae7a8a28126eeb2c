"""What nobody may learn."""
