"""Transcripts played."""
