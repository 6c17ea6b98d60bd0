"""Errors that are shown to people: the message says what happened, where, and what to do."""


class DeclarationError(ValueError):
    """An invalid declaration; the message names campaign, key, value and what is allowed."""


class UserError(Exception):
    """An error that a user can mend; the message says what to do."""
