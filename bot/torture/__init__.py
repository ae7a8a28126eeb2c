"""Faults on purpose: the bot under simulated citizens, with everything around it failing, and then its books audited.

Nothing in production code knows of this package: `edges` lays the fault points over the bot from outside.
"""
