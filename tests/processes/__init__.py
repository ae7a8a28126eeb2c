"""Processes of the bot that begin quickly: copies of one that has loaded the program already."""
