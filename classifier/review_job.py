"""Training that goes on in the background while the page asks how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from classifier.errors import CorpusError, FupinError


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Parameters
    ----------
    verdict : {"better", "equal", "worse", "unchanged"}
    folder : str
        Where the new model was written; empty where it was not.
    compared : mapping
        Of each text on which old and new were compared what `BeforeAfter.to_json` gives.
    """

    verdict: str
    folder: str = ""
    compared: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """How far a training is.

    Parameters
    ----------
    state : {"idle", "running", "done", "failed"}
    message : str
        What was said last, one line.
    reason : {"", "too_little"}
        Of one that failed: why, where the page has words for it.
    outcome : Outcome, optional
        Of one that is done.
    """

    state: str = "idle"
    message: str = ""
    reason: str = ""
    outcome: Outcome | None = None


Say = Callable[[str], None]
Train = Callable[[bool, Say], Outcome]


class Job:
    """At most one training at a time, in a thread of its own.

    Parameters
    ----------
    train : callable
        Takes whether to accept a worse model, and what is to be told on the way; returns the outcome.
    tell : callable
        Takes a line for the terminal where something fails that nobody foresaw.
    """

    def __init__(self, train: Train, tell: Say) -> None:
        self._train, self._tell, self._lock = train, tell, threading.Lock()
        self._state = State()

    @property
    def state(self) -> State:
        """How far it is."""
        with self._lock:
            return self._state

    def start(self, *, even_if_worse: bool) -> bool:
        """Begin a training; return False where one is going on already."""
        with self._lock:
            if self._state.state == "running":
                return False
            self._state = State("running")
        threading.Thread(target=self._run, args=(even_if_worse,), name="training", daemon=True).start()
        return True

    def _run(self, even_if_worse: bool) -> None:
        try:
            outcome = self._train(even_if_worse, self._said)
            self._become(State("done", outcome=outcome))
        except FupinError as error:
            reason = "too_little" if isinstance(error, CorpusError) else ""
            self._become(State("failed", f"{error}; {error.hint}", reason))
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._tell(f"training failed: {type(error).__name__}: {error}")
            self._become(State("failed", type(error).__name__))

    def _said(self, line: str) -> None:
        with self._lock:
            self._state = replace(self._state, message=line)

    def _become(self, state: State) -> None:
        with self._lock:
            self._state = state
