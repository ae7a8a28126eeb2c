"""Plays transcripts end to end: sandbox phones, the real bot behind HTTP, the stand-ins of WeChat and WeChat Pay."""
