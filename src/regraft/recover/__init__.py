"""Weights without an architecture: which layers they are, how they were wired, with which settings, and how sure that is."""
