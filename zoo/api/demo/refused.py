"""The error of a request that the page's server does not carry out."""

from __future__ import annotations


class Refused(ValueError):
    """A request that is refused, with the status of the answer.

    Args:
        status: of HTTP.
        what: what is wrong.
        accepted: what is accepted.
        received: what was received.

    Example:
        >>> print(Refused(404, "There is no such page", "/", "/none"))
        There is no such page. Accepted: /. Received: /none.
    """

    def __init__(self, status: int, what: str, accepted: str, received: str) -> None:
        super().__init__(f"{what}. Accepted: {accepted}. Received: {received}.")
        self.status = status
