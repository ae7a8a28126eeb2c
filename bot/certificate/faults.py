"""What a certificate's fonts cannot write."""

from __future__ import annotations


class CannotPrint(Exception):
    """No font here has these characters (private use of old systems). The message holds none of them."""
