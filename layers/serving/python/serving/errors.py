"""The errors of the core, as a tree that says who acts; the edges translate them.

ServingError
├── ConfigurationError        the deployment is wrong: fail the cold start
│   └── ModelRefusedError     the model's file or bundle is wrong: nothing is served from it
├── InvalidInputError         the caller is wrong: answer 4xx, never retry
│   ├── MalformedError        not the format that it claims to be, or a forbidden part of it
│   ├── UnsupportedError      a format or an encoding that is not read here
│   ├── TooLargeError         over a limit
│   │   └── RequestTooLargeError  of one request, which an upload does not have
│   └── NotFoundError         there is nothing under that name
└── UnavailableError          the world is wrong: raise, let AWS retry
    └── ChangedError          somebody else wrote meanwhile: look again
"""


class ServingError(Exception):
    """Anything that Verger itself raises; its text is written for the person who must act."""


class ConfigurationError(ServingError):
    """The deployment is wrong."""


class ModelRefusedError(ConfigurationError):
    """The model cannot be served faithfully, or not without executing what its file carries."""


class InvalidInputError(ServingError):
    """The caller's document is wrong.

    Args:
        problem: what is wrong, with both sides ("expected 5000 values, got 4999").
        matrix: the id of the matrix at fault, where there is one.
        line: the line of the document where that matrix or element starts, from 1.
    """

    def __init__(self, problem: str, *, matrix: str | None = None, line: int | None = None) -> None:
        self.problem = problem
        self.matrix = matrix
        self.line = line
        super().__init__(_at(matrix, line) + problem)


class MalformedError(InvalidInputError):
    """The document is not well-formed, or uses what is forbidden."""


class UnsupportedError(InvalidInputError):
    """The document's format or encoding is not read here."""


class TooLargeError(InvalidInputError):
    """The document, or what it unpacks to, is over a limit."""


class RequestTooLargeError(TooLargeError):
    """More than one request may carry, bring or take in time: an upload may be larger."""


class NotFoundError(InvalidInputError):
    """There is nothing under the name that was asked for."""


class UnavailableError(ServingError):
    """Something outside failed in passing; the same call may succeed later."""


class ChangedError(UnavailableError):
    """What was read or written is not what it was when it was looked at."""


def _at(matrix: str | None, line: int | None) -> str:
    if matrix is None:
        return "" if line is None else f"line {line}: "
    return f'matrix "{matrix}": ' if line is None else f'matrix "{matrix}" (line {line}): '


def brief(error: BaseException) -> str:
    """The first line of a foreign error, short enough for a message."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
