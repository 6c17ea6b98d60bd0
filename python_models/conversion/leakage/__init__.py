"""Leakage checks: features that are only known after the contact, or are the outcome in disguise."""
