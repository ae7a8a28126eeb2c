"""The bot against a WeChat and a WeChat Pay it has never met.

Everything here is written from WeChat's documents alone, with keys and cryptography of its own, and shares no line with
`bot/sandbox`: what both stand-ins agree on is probably so. The bot runs as processes of its own and is spoken to over
HTTP only. Whatever it sends that a document forbids is a `Violations` entry, and no test ends well with one.
"""
