"""News and payment cards."""
