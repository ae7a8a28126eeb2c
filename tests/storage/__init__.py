"""Contract suites: each store is held to the same sentences on each of its backends."""
