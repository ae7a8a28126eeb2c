"""What is done without a message: orders and notices that are due, and routines with a time of their own."""
