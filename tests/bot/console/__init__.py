"""The terminal WeChat."""
