"""Leadlight where one table is too large for one process: bulk scoring, and other engines."""
