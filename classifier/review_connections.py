"""Connections to the review server: how many at once, and how long one may keep its place with no request.

Any program of this machine can open connections, with no right to anything behind them. Unbounded, they
would use up the files that a process may have open, and the server could not answer its owner.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 128  # at once; a browser opens six
BACKLOG = 32  # taken in one go, before any can be closed
SECONDS_FOR_HEAD = 10  # until the first request's headers are there


class BoundedConnection(H11Protocol):
    """Uvicorn's protocol, which closes what says nothing: after a while, or where there are too many."""

    _waiting: TimerHandle  # set as soon as it is made

    def connection_made(self, transport: BaseTransport) -> None:
        """Take a connection, and close the oldest silent one where it is one too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._waiting = self.loop.call_later(SECONDS_FOR_HEAD, self._give_up)
        there = [
            c for c in self.connections if isinstance(c, BoundedConnection) and not c.transport.is_closing()
        ]
        if len(there) > MOST:
            silent = [c for c in there if c.cycle is None and c is not self]
            min(silent, key=BoundedConnection._due, default=self).transport.abort()

    def _due(self) -> float:
        return self._waiting.when()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._waiting.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        """Close a connection on which no request has begun."""
        if self.cycle is None:
            self.transport.abort()
