"""One message, one turn, one reply."""
