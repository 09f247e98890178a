"""Servers that stand in for real ones: recorded behaviour over real HTTP on the loopback. No mocks of our own code."""
