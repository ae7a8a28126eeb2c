"""The web server and its addresses."""
