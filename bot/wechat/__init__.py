"""The official account's API (公众号): tokens, pushed messages, media, the menu."""
