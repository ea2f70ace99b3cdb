"""What goes wrong in a template, in the words of the original.

`YttError` is final: its message is what a user reads. `EvalError` is raised by whatever a template calls, in words
without a place; the language adds the chain of calls and the lines.
"""

from __future__ import annotations


class YttError(Exception):
    """A message for the author of the files; it may have many lines."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class CodeError(YttError):
    """Code of a file is wrong, before any of it runs; the message has the places."""


class EvalError(YttError):
    """Something that a template did is refused; the place is added where the call was made."""


class LimitExceeded(Exception):
    """A template took more than it may: no template can catch it, and it is no error of a value.

    `what` completes the sentence "rendering was ended: ...".
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
