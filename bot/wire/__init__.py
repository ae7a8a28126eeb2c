"""The way of a message from the wire to `Said`, and of a `Reply` back to the wire."""
