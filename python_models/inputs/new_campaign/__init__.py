"""A campaign of one's own from a file or table."""
