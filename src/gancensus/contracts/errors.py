"""The one exception that reaches a user as a message instead of a traceback."""


class UserError(Exception):
    """Something a user can fix: one line that says what is wrong, where, and what to do."""
