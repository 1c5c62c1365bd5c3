"""What is reviewed, what was decided, and what follows from the decisions: plain data, no database.

A decision is an event in a *lane*: what one coder thinks of one segment, or, for all coders together,
how a segment was settled. Each event says what stood in its lane before and what stands after it:

========  ==================  ===============================================================
kind      after               what it does
========  ==================  ===============================================================
CODED     codes, maybe none   a coder decides
SKIPPED   None                a coder passes the segment by; what he had coded stands no more
SETTLED   codes, maybe none   someone decides for all: the settlement, a lane of its own
MIGRATED  codes or None       the codebook changed, and codes followed; None: decide again
UNDONE    what stood before   the last event of the lane counts no more; ``undoes`` names it
========  ==================  ===============================================================

So one who both codes and settles keeps his own codes beside the settlement, and ``before`` of a
settlement is the settlement so far. ``settles`` says which lane MIGRATED and UNDONE are about.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from classifier.cells import SURROGATE
from classifier.errors import InputError
from classifier.inert_text import on_one_line

if TYPE_CHECKING:
    from classifier.codebook import Codebook

PURPOSES = QUEUE, GOLD, CONTEXT = "queue", "gold", "context"
KINDS = CODED, SKIPPED, UNDONE, SETTLED, MIGRATED = "coded", "skipped", "undone", "settled", "migrated"
SETTLEMENT = ""  # the lane of a segment's settlement; the other lanes are named by their coders
LONGEST = {"coder": 100, "note": 4_000, "name": 500, "text": 1_000_000}  # characters
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)")

Codes = tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A segment to review, as the model labelled it.

    Parameters
    ----------
    segment_id, doc_id : str
    paragraph, start, end : int
        As `fupin label` writes them.
    text, title, date, source : str
    codes : tuple of str
        What the model gave.
    probabilities : mapping of str to float
        In [0, 1], of each code that the model was trained on.
    place : int
        Order in the file, for what stands around it.
    rank : int, optional
        Order in the queue; None: it is there for its neighbours only.
    purpose : {"queue", "gold", "context"}
    drawn : mapping, optional
        Of gold: the columns of `fupin sample` that say how it was drawn.
    """

    segment_id: str
    doc_id: str
    paragraph: int
    start: int
    end: int
    text: str
    title: str = ""
    date: str = ""
    source: str = ""
    codes: Codes = ()
    probabilities: Mapping[str, float] = field(default_factory=dict)
    place: int = 0
    rank: int | None = None
    purpose: str = QUEUE
    drawn: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Event:
    """One decision; never changed, never deleted.

    Parameters
    ----------
    event_id : str
        Made by the client, such as ``uuid4().hex``: recorded twice, it is recorded once.
    segment_id, coder : str
    kind : {"coded", "skipped", "undone", "settled", "migrated"}
    before, after : tuple of str, or None
        What stands in the lane; see the module. An empty tuple: coded, no measure.
    codebook : str
        See `codebook_id`.
    at : str
        ISO 8601, UTC, milliseconds: ``2026-01-31T08:00:00.000Z``.
    note : str
    undoes : str
        Of UNDONE: the event that counts no more.
    settles : bool
        Whether it is about the settlement; of SETTLED always True.
    number : int, optional
        Given by the store; rising.
    """

    event_id: str
    segment_id: str
    coder: str
    kind: str
    before: Codes | None
    after: Codes | None
    codebook: str
    at: str
    note: str = ""
    undoes: str = ""
    settles: bool = False
    number: int | None = None

    def __post_init__(self) -> None:
        for name in ("before", "after"):
            codes = getattr(self, name)
            if isinstance(codes, list):
                object.__setattr__(self, name, tuple(codes))
        if self.kind == SETTLED:
            object.__setattr__(self, "settles", True)

    @property
    def lane(self) -> str:
        """Whose codes it is about: the coder's, or everybody's."""
        return SETTLEMENT if self.settles else self.coder


@dataclass(frozen=True)
class Standing:
    """What stands in a lane: the last event that counts, and the place of the one that decided.

    ``place`` counts the events gone through, from 0. The decision behind a MIGRATED event is the
    one whose codes it carried over; ``note`` is that decision's.
    """

    event: Event
    place: int
    note: str

    @property
    def codes(self) -> Codes | None:
        """The codes that stand; None where there are none yet, or none any more."""
        return self.event.after

    @property
    def skipped(self) -> bool:
        """Whether the coder passed the segment by."""
        return self.event.kind == SKIPPED

    @property
    def question(self) -> str:
        """Why it must be decided again since the codebook changed; empty where it must not."""
        return self.event.note if self.event.kind == MIGRATED and self.codes is None else ""


def standings(events: Iterable[Event]) -> dict[tuple[str, str], list[Standing]]:
    """Return for each (segment_id, lane) what counts, the last at the end.

    Parameters
    ----------
    events : iterable of Event
        In the order in which they were recorded; of a lane all, or none.
    """
    stacks: dict[tuple[str, str], list[Standing]] = {}
    for place, event in enumerate(events):
        stack = stacks.setdefault((event.segment_id, event.lane), [])
        if event.kind == UNDONE:
            del stack[-1:]
        elif event.kind == MIGRATED and stack:
            stack.append(Standing(event, stack[-1].place, stack[-1].note))
        else:
            stack.append(Standing(event, place, event.note))
    return stacks


def current(events: Iterable[Event]) -> dict[tuple[str, str], Codes]:
    """Return the codes that stand, by segment and coder; what was skipped or undone has none.

    >>> e = Event("1", "柳树坪#0", "甲", CODED, None, ("a",), "村 1", "2026-01-31T08:00:00.000Z")
    >>> current([e]), current([e, undo_of([e], "甲")])
    ({('柳树坪#0', '甲'): ('a',)}, {})
    """
    return {
        key: stack[-1].codes
        for key, stack in standings(events).items()
        if key[1] != SETTLEMENT and stack and stack[-1].codes is not None
    }


def disputed(events: Iterable[Event]) -> list[str]:
    """Return the segments that someone must settle, in the order in which they were first coded.

    Without a settlement: those to which two coders gave different codes. With one: those to which
    a coder has given other codes since.
    """
    return [segment_id for segment_id, codes in _verdicts(events).items() if codes is None]


def settled(events: Iterable[Event]) -> dict[str, Codes]:
    """Return the codes that hold for each segment: those settled, else what all its coders agree on.

    What is disputed has none, nor what nobody has coded.
    """
    return {segment_id: codes for segment_id, codes in _verdicts(events).items() if codes is not None}


def _verdicts(events: Iterable[Event]) -> dict[str, Codes | None]:
    """Return the codes that hold for each segment that was coded; None where it is disputed."""
    lanes: dict[str, dict[str, tuple[Codes, int]]] = {}
    for (segment_id, lane), stack in standings(events).items():
        if stack and (codes := stack[-1].codes) is not None:
            lanes.setdefault(segment_id, {})[lane] = codes, stack[-1].place
    return {segment_id: verdict(of) for segment_id, of in lanes.items()}


def verdict(lanes: Mapping[str, tuple[Codes, int]]) -> Codes | None:
    """Return the codes that hold for one segment; None where it is disputed.

    Parameters
    ----------
    lanes : mapping
        Of each lane in which codes stand (one at least), these codes and when they were given.

    >>> verdict({"甲": (("a",), 1), "乙": (("b",), 2)}) is None
    True
    >>> verdict({"甲": (("a",), 1), "乙": (("b",), 2), SETTLEMENT: (("b",), 3)})
    ('b',)
    """
    if SETTLEMENT in lanes:
        codes, when = lanes[SETTLEMENT]
        objected = any(since > when and set(other) != set(codes) for other, since in lanes.values())
        return None if objected else codes
    first, *others = (codes for codes, _ in lanes.values())
    return first if all(set(codes) == set(first) for codes in others) else None


def undo_of(events: Sequence[Event], coder: str) -> Event:
    """Return what undoes the coder's last decision not yet undone; its time is left to the caller.

    The event's name follows from that of the one undone, so that a double click undoes once.
    Raises `InputError` where there is nothing to undo, or the codebook has changed since.

    >>> e = Event("1", "柳树坪#0", "甲", CODED, None, ("a",), "村 1", "2026-01-31T08:00:00.000Z")
    >>> undo_of([e], "甲").undoes, undo_of([e], "甲").after
    ('1', None)
    """
    undone = {event.undoes for event in events if event.kind == UNDONE}
    counts = [e for e in events if e.kind != UNDONE and e.event_id not in undone]
    own = [e for e in counts if e.coder == coder and e.kind != MIGRATED]
    if not own:
        raise InputError(f"coder '{coder}': nothing to undo", "decide something first")
    last = own[-1]
    if (
        next(e for e in reversed(counts) if (e.segment_id, e.lane) == (last.segment_id, last.lane))
        is not last
    ):
        raise InputError(
            f"segment '{last.segment_id}': what coder '{coder}' decided last was changed by others since",
            "open the segment and decide anew",
        )
    name = uuid5(NAMESPACE_OID, f"fupin undo {last.event_id}").hex
    return replace(
        last, event_id=name, kind=UNDONE, before=last.after, after=last.before, note="", at="",
        undoes=last.event_id, number=None,
    )  # fmt: skip


def codebook_id(codebook: Codebook) -> str:
    """Return what events call a codebook: name, version, and the beginning of the hash of its text.

    >>> from classifier.codebook import load_codebook
    >>> codebook_id(load_codebook()).split()[-1][:7]
    'sha256:'
    """
    digest = hashlib.sha256(codebook.text.encode()).hexdigest()
    return f"{codebook.name} {codebook.version} sha256:{digest[:12]}"


def checked_item(item: Item) -> Item:
    """Return an item whose parts are what they should be, or raise `InputError` with its name."""
    where = f"segment '{_shown(item.segment_id)}'"
    for name in ("segment_id", "doc_id"):
        _check_text(getattr(item, name), where, name, "name", filled=True)
    for name in ("title", "date", "source"):
        _check_text(getattr(item, name), where, name, "text")
    _check_text(item.text, where, "text", "text")
    for name in ("paragraph", "start", "end", "place", "rank"):
        value = getattr(item, name)
        if not (name == "rank" and value is None) and not _is_count(value):
            raise InputError(f"{where}: '{name}' is {_shown(value)}", "it is a whole number, 0 or more")
    if item.purpose not in PURPOSES:
        raise InputError(f"{where}: purpose '{_shown(item.purpose)}'", f"purposes: {', '.join(PURPOSES)}")
    if (item.purpose == GOLD) != (item.drawn is not None):
        raise InputError(
            f"{where}: purpose '{item.purpose}'", "gold, and nothing else, says how it was drawn"
        )
    for code, value in item.probabilities.items():
        if isinstance(value, bool) or not isinstance(value, float | int) or not 0 <= value <= 1:
            raise InputError(
                f"{where}: probability of '{_shown(code)}' is {_shown(value)}", "it is a number from 0 to 1"
            )
    return item


def checked_event(event: Event) -> Event:
    """Return an event whose parts are what they should be, or raise `InputError` with its name."""
    where = f"event '{_shown(event.event_id)}'"
    if not isinstance(event.event_id, str) or not _NAME.fullmatch(event.event_id):
        raise InputError(f"{where}: not the name of an event", "up to 64 letters, digits, '-', '_' or '.'")
    _check_coder(event.coder, where)
    _check_text(event.segment_id, where, "segment_id", "name", filled=True)
    _check_text(event.note, where, "note", "note")
    if event.kind not in KINDS:
        raise InputError(f"{where}: kind '{_shown(event.kind)}'", f"kinds: {', '.join(KINDS)}")
    if not isinstance(event.at, str) or not _is_time(event.at):
        raise InputError(f"{where}: 'at' is '{_shown(event.at)}'", "such as 2026-01-31T08:00:00.000Z")
    for name in ("before", "after"):
        _check_codes(getattr(event, name), where, name)
    _check_kind(event, where)
    return replace(event, at=event.at.replace("+00:00", "Z"))


def _check_coder(coder: Any, where: str) -> None:
    _check_text(coder, where, "coder", "coder", filled=True)
    if coder != on_one_line(coder).strip():
        raise InputError(f"{where}: coder '{_shown(coder)}'", "a name, without space around it, on one line")


def _check_kind(event: Event, where: str) -> None:
    """See that an event has what its kind asks for, and no more."""
    if event.kind in (CODED, SETTLED) and event.after is None:
        raise InputError(f"{where}: {event.kind} without codes", "no measure is an empty list of codes")
    if event.kind == SKIPPED and event.after is not None:
        raise InputError(f"{where}: skipped with codes", "'after' of what is skipped is null")
    if event.kind in (CODED, SKIPPED) and event.settles:
        raise InputError(f"{where}: {event.kind}, and settles", "a settlement's kind is 'settled'")
    if (event.kind == UNDONE) != bool(event.undoes):
        raise InputError(f"{where}: kind '{event.kind}', undoes '{_shown(event.undoes)}'", "see `undo_of`")


def _check_codes(codes: Any, where: str, name: str) -> None:
    if codes is None:
        return
    if (
        not isinstance(codes, tuple)
        or not all(isinstance(code, str) for code in codes)
        or len(set(codes)) < len(codes)
    ):
        raise InputError(f"{where}: '{name}' is {_shown(codes)}", "codes, each once")


def _check_text(value: Any, where: str, name: str, kind: str, *, filled: bool = False) -> None:
    longest = LONGEST[kind]
    if not isinstance(value, str) or (filled and not value.strip()):
        raise InputError(f"{where}: '{name}' is {_shown(value)!r}", "it is a text, not empty")
    if len(value) > longest:
        raise InputError(f"{where}: '{name}' has {len(value):,} characters", f"at most {longest:,}")
    if SURROGATE.search(value):
        raise InputError(f"{where}: '{name}' holds half a surrogate pair", "write the character whole")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value[:23])
    except ValueError:
        return False
    return bool(_TIME.fullmatch(value))


def _shown(value: Any) -> str:
    """Return a value as it is named in messages: short, on one line."""
    text = on_one_line(str(value))
    return text if len(text) <= 60 else f"{text[:60]}…"
