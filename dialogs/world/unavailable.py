"""What the world says when it cannot answer just now."""

from __future__ import annotations


class Unavailable(Exception):
    """The world cannot answer just now; nothing was changed."""
