"""One message, one turn, one reply: claimed, run on a thread of its own, saved, written down."""
