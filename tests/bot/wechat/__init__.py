"""The official account's API."""
