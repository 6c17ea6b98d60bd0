"""Errors that are shown to people: the message says what happened, where, and what to do."""


class DeclarationError(ValueError):
    """A declaration that is not understood; the message names campaign, key, value and what is allowed."""


class UserError(Exception):
    """The default input cannot be put in place; the message says what to do."""
