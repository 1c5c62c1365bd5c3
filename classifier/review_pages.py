"""What the review pages show, as plain data for templates and scripts; whatever is shown is made inert."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from classifier.codebook import Code, Codebook, Example
from classifier.codebook_checks import by_language
from classifier.errors import InputError
from classifier.inert_text import inert
from classifier.rendering import TEMPLATES, environment
from classifier.report_texts import LANGUAGES, named
from classifier.review_items import GOLD, Codes, Event, Item, Standing, standings
from classifier.review_store import Progress, ReviewStore
from classifier.yaml_lines import parse

FOLDER = "review"
_TEXTS = "texts.yaml"
# Keys of codes, in the order in which they are given out; s and u are commands on every page.
KEYS = "1234567890qwertyiopadfghjklzxcvbnm"
AROUND = 2  # segments shown before and after
NAMES = {  # pages and their addresses, in the order of the menu
    "review": "/",
    "disputes": "/disputes",
    "progress": "/progress",
    "codebook": "/codebook",
    "try": "/try",
}
WITHOUT_STORE = ("codebook", "try")
_REVIEW_KEYS = (
    (("1…9", "A…Z"), "codes"),
    (("⏎",), "enter"),
    (("S",), "skip"),
    (("U",), "undo"),
    (("←", "→"), "arrows"),
    (("↑", "↓"), "updown"),
    (("␣",), "space"),
    (("-",), "clear"),
    (("/",), "search"),
    ((".",), "note"),
    (("?",), "help"),
)
HELP = {"review": _REVIEW_KEYS, "disputes": ((("[", "]"), "first"), *_REVIEW_KEYS[:4], *_REVIEW_KEYS[5:])}

Texts = Mapping[str, Any]
Data = dict[str, Any]


@lru_cache(maxsize=len(LANGUAGES))
def review_texts(lang: str) -> Texts:
    """Return the words of the pages in a language, as `templates/review/texts.yaml` has them.

    Raises `InputError` for a language that there is not.

    >>> review_texts("zh")["review"]["skip"]
    '跳过'
    """
    if lang not in LANGUAGES:
        raise InputError(f"no pages in '{lang}'", f"languages: {', '.join(LANGUAGES)}")
    value, _ = parse((TEMPLATES / FOLDER / _TEXTS).read_text(encoding="utf-8"), _TEXTS)
    texts: Texts = value[lang]
    return texts


@lru_cache(maxsize=1)
def _templates() -> Any:
    templates = environment(".html")
    templates.finalize = _inert
    return templates


def _inert(value: object) -> object:
    """Return what a template writes such that it cannot act, nor turn the direction of what follows."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else shown(value)


def render(name: str, lang: str, **values: Any) -> str:
    """Return a page; ``name`` is a template's, without its ending."""
    found: str = _templates().get_template(f"{FOLDER}/{name}.html").render(t=review_texts(lang), **values)
    return found


def shown(text: str) -> str:
    r"""Return text as it may be shown: of the same length, with nothing in it that acts.

    >>> shown("扶贫\u202e款"), shown("\ud800")
    ('扶贫�款', '?')
    """
    return inert(text).encode("utf-8", "replace").decode("utf-8")


# --- the codebook ---


def code_rows(codebook: Codebook, lang: str) -> tuple[Data, ...]:
    """Return what is shown of each code, in the codebook's order.

    ``code`` is the identifier as it is; everything else is made inert. ``key`` is empty where
    there are no keys left; ``find`` is what a search looks through.
    """
    names = {code.code: shown(named(code.name, lang, code.code)) for code in codebook.codes}
    keys = (*KEYS, *[""] * len(codebook.codes))
    rows = zip(codebook.codes, keys, strict=False)
    return tuple(_code_row(n, code, key, names, lang) for n, (code, key) in enumerate(rows))


def _code_row(n: int, code: Code, key: str, names: Mapping[str, str], lang: str) -> Data:
    others = [shown(name) for language, name in code.name.items() if language != lang]
    texts = review_texts(lang)
    row: Data = {
        "n": n,
        "code": code.code,
        "key": key,
        "group": code.group,
        "name": names[code.code],
        "other": next((name for name in others if name != names[code.code]), ""),
        "definition": shown(named(code.definition, lang, "")),
        "includes": [shown(text) for text in code.includes],
        "excludes": [
            {"what": shown(what), "use": names.get(use, "") if use else ""} for what, use in code.excludes
        ],
        "examples": [_example(e, code.code, names, texts["review"]["also"], texts) for e in code.examples],
        "counter": [
            _example(e, "", names, texts["review"]["coded_as"], texts) for e in code.counter_examples
        ],
    }
    row["find"] = unicodedata.normalize("NFKC", "\n".join((code.code, row["name"], *others))).lower()
    return row


def _example(example: Example, own: str, names: Mapping[str, str], words: str, texts: Texts) -> Data:
    """Return an example with the other codes that it has, or what it is coded as instead, and why."""
    others = [names.get(code, code) for code in example.codes if code != own]
    told = words.format(codes=texts["comma"].join(others) or texts["none"])
    about = [told if others or not own else "", shown(example.why)]
    return {"text": shown(example.text), "about": " · ".join(filter(None, about))}


def code_groups(codebook: Codebook, rows: Sequence[Data], lang: str) -> list[Data]:
    """Return the codes by the codebook's groups; those without one stand last, without a heading."""
    known = [*codebook.groups, *dict.fromkeys(row["group"] for row in rows)]
    groups = []
    for group in sorted(dict.fromkeys(known), key=lambda name: name == ""):
        own = [row for row in rows if row["group"] == group]
        if own:
            name = named(codebook.groups.get(group, {}), lang, group)
            groups.append({"name": shown(name), "codes": own})
    return groups


def scheme_rows(codebook: Codebook, lang: str) -> list[Data]:
    """Return the schemes: ``id``, name, source, and pairs of category and its codes' identifiers."""
    return [
        {
            "id": scheme.scheme,
            "name": shown(named(scheme.name, lang, scheme.scheme)),
            "source": shown(scheme.source),
            "categories": [(shown(category), list(codes)) for category, codes in scheme.categories.items()],
        }
        for scheme in codebook.schemes.values()
    ]


def book_about(codebook: Codebook, lang: str) -> Data:
    """Return what the page of the codebook says beside its codes."""
    rules = (
        {key: named(by_language(rule.get(key)), lang, "") for key in ("title", "text")}
        for rule in codebook.rules
    )
    return {
        "title": named(codebook.title, lang, codebook.name),
        "version": codebook.version,
        "n": len(codebook.codes),
        "exclusive": codebook.exclusive,
        "unit": named(codebook.unit, lang, ""),
        "rules": list(rules),
    }


# --- a segment ---


def item_view(store: ReviewStore, segment_id: str, coder: str) -> Data:
    """Return what a coder sees of a segment: its context, what the model proposes, his own codes.

    Of the random sample the model's codes are kept back (None) until the coder has given his own,
    and nobody sees another coder's. ``id`` and codes are as they are, all other text is inert.
    Raises `InputError` for an unknown segment.
    """
    around = store.around(segment_id, AROUND)
    place = next(i for i, found in enumerate(around) if found.segment_id == segment_id)
    last = _last(store.events_of(segment_id), coder)
    mine = None if last is None else last.codes
    item = around[place]
    hidden = item.purpose == GOLD and mine is None
    return {
        **sentence_view(around, place),
        "rank": item.rank,
        "hidden": hidden,
        "proposed": None if hidden else list(item.codes),
        "probabilities": None if hidden else {code: round(p, 4) for code, p in item.probabilities.items()},
        "mine": None if mine is None else list(mine),
        "skipped": last is not None and last.skipped,
        "question": "" if last is None else shown(last.question),
        "note": "" if last is None else shown(last.note),
    }


def sentence_view(around: Sequence[Item], place: int) -> Data:
    """Return a segment between its neighbours, as shown."""
    item = around[place]
    about = {name: shown(getattr(item, name)) for name in ("title", "date", "source", "text")}
    return {
        "id": item.segment_id,
        "doc": shown(item.doc_id),
        **about,
        "before": [shown(other.text) for other in around[:place]],
        "after": [shown(other.text) for other in around[place + 1 :]],
    }


def _last(events: Sequence[Event], lane: str) -> Standing | None:
    """Return what stands in the lane of a coder."""
    stacks = [stack for (_, of), stack in standings(events).items() if of == lane and stack]
    return stacks[0][-1] if stacks else None


def bar_view(progress: Progress) -> Data:
    """Return the figures that are always in view; shares are None where there is nothing to compare."""
    same = sum(alike for alike, _ in progress.with_coders.values())
    both = sum(of for _, of in progress.with_coders.values())
    return {
        "total": progress.total,
        "coded": progress.coded,
        "skipped": progress.skipped,
        "gold": progress.gold_coded,
        "gold_total": progress.gold_total,
        "model": share(*progress.with_model),
        "others": share(same, both),
    }


def share(part: int, whole: int) -> float | None:
    """Return a share; None of nothing.

    >>> share(1, 4), share(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


# --- disputes ---


def dispute_view(store: ReviewStore, coder: str, after: str, segment_id: str, *, names: bool) -> Data:
    """Return a segment to settle and how many there are; the one asked for, else the next behind ``after``.

    Who coded what stays unsaid unless ``names`` are asked for; the order of the sides says nothing
    either, but is the same each time. A coder who has not coded the segment yet, and codes, sees
    no sides (None).
    """
    waiting = store.disputed()
    chosen = segment_id or _behind(waiting, after)
    if not chosen:
        return {"item": None, "left": 0}
    around = store.around(chosen, AROUND)
    place = next(i for i, found in enumerate(around) if found.segment_id == chosen)
    events = store.events_of(chosen)
    codes = {lane: given for (_, lane), given in store.current(chosen).items()}
    blind = coder not in codes and store.progress(coder).coded > 0
    settlement = store.settlement(chosen)
    item = {
        **sentence_view(around, place),
        "settlement": None if settlement is None or blind else list(settlement),
        "sides": None if blind else list(_sides(chosen, codes, events, names=names)),
    }
    return {"item": item, "left": len(waiting)}


def _behind(waiting: Sequence[str], after: str) -> str:
    """Return the segment behind one that may be settled by now; behind the last, the first again."""
    if not waiting:
        return ""
    at = waiting.index(after) + 1 if after in waiting else 0
    return waiting[at % len(waiting)]


def _sides(
    segment_id: str, codes: Mapping[str, Codes], events: Sequence[Event], *, names: bool
) -> Iterator[Data]:
    def number(coder: str) -> str:
        return hashlib.sha256(f"{segment_id}\0{coder}".encode("utf-8", "replace")).hexdigest()

    for coder in sorted(codes, key=number):
        last = _last(events, coder)
        yield {
            "codes": list(codes[coder]),
            "note": shown(last.note) if last is not None else "",
            "name": shown(coder) if names else "",
        }
