"""Examples of doccano's text classification, written from segments and read back from its exports.

What doccano does was read off doccano 1.8.4 (``data_import``, ``data_export``). On import the columns
``text`` and ``label`` count, and all others become metadata, which the export gives back beside the
text. Labels that are imported become those of the user who imports. The export is a zip archive with a
file for each annotator, or with ``all`` where a project is shared; a text without a label stands in it
whether or not the annotator has had it, unless only confirmed ones are exported.
"""

from __future__ import annotations

import colorsys
import io
import json
import string
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from classifier.archives import ZIP, members
from classifier.codebook import Code, Codebook
from classifier.errors import InputError
from classifier.exchanged import (
    GUARDED,
    CodeMap,
    Coding,
    Exchanged,
    Placed,
    TheirNames,
    aside,
    coders_of,
    json_value,
    merged,
    own_name,
)
from classifier.inert_text import on_one_line
from classifier.json_lists import json_objects
from classifier.json_values import refuse_halves
from classifier.limits import LIMITS, MB, Limits
from classifier.spreadsheet_guard import unguarded
from classifier.tables import numbered_rows
from classifier.text_files import Held, Place, suffix_of
from classifier.whole_file import whole_file

TEXT, LABEL, COMMENTS, NOTE = "text", "label", "Comments", "note"
CODED, SKIPPED = "coded_by", "skipped_by"  # metadata are the same for all users, so they say for whom
UNLABELLED = ("coded", "uncoded")
_PROPOSED, _PROBABILITIES = "proposed", "probabilities"
_OURS = ("segment_id", "doc_id", TEXT, LABEL, NOTE, CODED, SKIPPED, _PROPOSED, _PROBABILITIES)
# Columns of which doccano has another use, or which its importer stumbles over
_THEIRS = ("id", "data", "categories", COMMENTS, "filename", "upload_name", "example_uuid", "uuid", "meta")
_TAKEN = frozenset((*_OURS, *_THEIRS, "cls", "#line_number"))
_FORMATS = (".jsonl", ".json", ".csv")
_LONGEST = 100  # characters of a label
_KEYS = string.digits[1:] + "0" + string.ascii_lowercase
_BAD_NAME = frozenset('/\\:*?"<>|')
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of zip archives


def label_name(code: Code) -> str:
    """Return what a code is called in doccano, which shows what it stores: the code, and its name.

    >>> from classifier.codebook import load_codebook
    >>> label_name(load_codebook().code("health"))
    'health 健康扶贫'
    """
    name = code.name.get("zh") or next(iter(code.name.values()), "")
    whole = f"{code.code} {name}".strip()
    return whole if len(whole) <= _LONGEST else code.code


def label_config(codebook: Codebook) -> list[dict[str, Any]]:
    """Return the labels of a project as doccano imports them, with colours and keys by their order."""
    found = []
    for number, code in enumerate(codebook.codes):
        rgb = colorsys.hls_to_rgb(number / len(codebook.codes), 0.35, 0.6)
        found.append(
            {
                "text": label_name(code),
                "prefixKey": None,
                "suffixKey": _KEYS[number] if number < len(_KEYS) else None,
                "backgroundColor": "#" + "".join(f"{round(255 * part):02x}" for part in rgb),
                "textColor": "#ffffff",
            }
        )
    return found


def examples(
    segments: Sequence[Exchanged], codebook: Codebook, coder: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield an example for each segment, with the labels of one coder or of nobody.

    All columns but the labels are text, since doccano rounds numbers, and stand in all examples, since
    it fills gaps with NaN. What the model proposed goes along as metadata, not as labels: those
    could not be told from labels that somebody gave. A text of nothing but spaces, as doccano takes none
    that is empty, gets one more.
    """
    names = {code.code: label_name(code) for code in codebook.codes}
    others = dict.fromkeys(name for segment in segments for name in segment.others)
    proposed = any(segment.proposed is not None for segment in segments)
    probabilities = any(segment.probabilities for segment in segments)
    for segment in segments:
        coding = segment.codings.get(coder) if coder is not None else None
        found: dict[str, Any] = {
            TEXT: segment.text + " " * (not segment.text.strip(" ")),
            LABEL: [names[code] for code in (coding.codes if coding else None) or ()],
            "segment_id": segment.segment_id,
            "doc_id": segment.doc_id,
        }
        if coder is not None:
            found[CODED] = coder if coding and coding.codes is not None else ""
            found[SKIPPED] = coder if coding and coding.codes is None else ""
            found[NOTE] = coding.note if coding else ""
        if proposed:
            found[_PROPOSED] = codebook.join(segment.proposed or ())
        if probabilities:
            found[_PROBABILITIES] = _as_text(dict(segment.probabilities))
        yield found | {aside(name, _TAKEN): _as_text(segment.others.get(name)) for name in others}


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write_doccano(segments: Iterable[Exchanged], out: Path, codebook: Codebook) -> Path:
    """Write examples as doccano imports them, and beside them its labels; return where the labels stand.

    ``OUT.jsonl`` holds the labels of one coder or of none; ``OUT.zip`` a file for each of several, as
    doccano itself exports them. Raises `InputError` for several coders and no ``.zip``, or for a
    coder whose name cannot be that of a file.
    """
    every = list(segments)
    coders = coders_of(every)
    if suffix_of(out) == ZIP:
        content = _zipped(every, codebook, coders)
    elif len(coders) > 1:
        raise InputError(
            f"{out.name}: {len(coders)} coders: {', '.join(map(on_one_line, coders))}"[:200],
            f"name one with --coder, or a file for all of them: {out.stem}{ZIP}",
        )
    else:
        content = _lines(examples(every, codebook, coders[0] if coders else None))
    labels = out.with_name(f"{out.stem}.label_config.json")
    with whole_file(labels) as stream:
        stream.write(json.dumps(label_config(codebook), ensure_ascii=False, indent=1) + "\n")
    with whole_file(out) as stream:
        stream.buffer.write(content)
    return labels


def _lines(found: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found).encode()


def _zipped(segments: Sequence[Exchanged], codebook: Codebook, coders: Sequence[str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for coder in coders or ("all",):
            if not is_file_name(coder):
                raise InputError(f"coder '{on_one_line(coder)}': no name for a file", "rename the coder")
            entry = zipfile.ZipInfo(f"{coder}.jsonl", _FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _lines(examples(segments, codebook, coder if coders else None)))
    return stream.getvalue()


def is_file_name(name: str) -> bool:
    """Return whether files can have a name on every system, as the file of a coder does.

    >>> is_file_name("王芳"), is_file_name("王/芳")
    (True, False)
    """
    plain = name.isprintable() and not _BAD_NAME & {*name}
    return bool(name) and plain and name == name.strip() and not name.startswith((".", "~$"))


def read_doccano(
    path: Path,
    codebook: Codebook,
    code_map: CodeMap | None = None,
    *,
    unlabelled: str | None = None,
    text: str = TEXT,
    limits: Limits = LIMITS,
) -> list[Exchanged]:
    """Read an export of doccano: JSONL, JSON or CSV, or the zip archive of these.

    The coder is what a file is called. Metadata come back as columns.

    Parameters
    ----------
    path : Path
    codebook : Codebook
    code_map : mapping, optional
        Codes meant by labels that are not called as ours; see `read_code_map`.
    unlabelled : str, optional
        Whether a text without a label was ``coded``, as having no code, or is ``uncoded``: doccano
        does not say it. Not needed where each text has a label.
    text : str
        The column with the text.
    limits : Limits

    Raises
    ------
    InputError
        With file, row and value for what is no export of text classification, an unknown label, a
        text that stands twice, or a text without a label where ``unlabelled`` is not given.
    """
    if unlabelled is not None and unlabelled not in UNLABELLED:
        raise InputError(f"unlabelled: '{unlabelled}'", f"choose {' or '.join(UNLABELLED)}")
    reading = _Reading(TheirNames(codebook, code_map), unlabelled, text)
    placed: list[Placed] = []
    for place in _files(path, limits):
        placed += reading.examples(place, limits)
    if reading.undecided:
        count, first = len(reading.undecided), reading.undecided[0]
        raise InputError(
            f"{first}: no label ({count:,} such texts), and doccano does not say whether it was coded",
            "export confirmed texts only and say --unlabelled coded; else --unlabelled uncoded",
        )
    return merged(placed, doubled=True)


def _files(path: Path, limits: Limits) -> Iterator[Place]:
    if suffix_of(path) != ZIP:
        yield path
        return
    found = False
    for member in members(path, path.name, _FORMATS, limits.unpacked_mb * MB, limits):
        if member.error is not None:
            raise member.error
        found = True
        yield Held(PurePosixPath(path.name) / PurePosixPath(member.name).name, member.data)
    if not found:
        raise InputError(f"{path.name}: no {', '.join(_FORMATS)} in it", "give what doccano exported")


class _Reading:
    """Reads examples, and keeps in mind those of which it is not known whether they were coded."""

    def __init__(self, names: TheirNames, unlabelled: str | None, text: str) -> None:
        self.names, self.unlabelled, self.text = names, unlabelled, text
        self.undecided: list[str] = []

    def examples(self, place: Place, limits: Limits) -> Iterator[Placed]:
        """Yield a segment for each example of one coder's file."""
        coder = Path(place.name).stem
        guarded = suffix_of(place) in GUARDED
        is_list = suffix_of(place) == ".json"
        rows = json_objects(place, limits) if is_list else numbered_rows(place, limits=limits)
        seen: dict[str, str] = {}
        for number, row in rows:
            cells = {k: unguarded(v) if guarded and isinstance(v, str) else v for k, v in row.items()}
            where = f"{on_one_line(str(place) if isinstance(place, Held) else place.name)}: row {number}"
            segment = self._segment(cells, coder, str(number), where)
            first = seen.setdefault(segment.segment_id, where)
            if first != where:
                raise InputError(
                    f"{where}: segment '{on_one_line(segment.segment_id)}' stands in {first} already",
                    "keep one of the two, or give each segment its own id",
                )
            yield where, segment

    def _segment(self, row: Mapping[str, Any], coder: str, number: str, place: str) -> Exchanged:
        text = row.get(self.text)
        if not isinstance(text, str):
            problem = f"'{self.text}' is {_short(text)}" if self.text in row else f"no column '{self.text}'"
            raise InputError(f"{place}: {problem}", "name the column with the text: --text-column NAME")
        if LABEL not in row:
            raise InputError(f"{place}: no column '{LABEL}'", "export a project of text classification")
        own = next((_name(row[n]) for n in ("segment_id", "id") if _name(row.get(n))), number)
        coding, used = self._coding(row, coder, place), {*_OURS, "id", COMMENTS, self.text}
        segment = Exchanged(
            own,
            _name(row.get("doc_id")) or own,
            text[:-1] if text and not text.strip(" ") else text,
            codings={} if coding is None else {coder: coding},
            others={own_name(str(k), _TAKEN): json_value(v) for k, v in row.items() if k not in used},
        )
        return self._with_model(segment, row, place)

    def _with_model(self, segment: Exchanged, row: Mapping[str, Any], place: str) -> Exchanged:
        if _PROPOSED in row:
            codes = [code for code in str(row[_PROPOSED] or "").split(";") if code]
            segment = replace(segment, proposed=self.names.codes(codes, place))
        if row.get(_PROBABILITIES):
            segment = replace(segment, probabilities=_probabilities(row[_PROBABILITIES], place))
        return segment

    def _coding(self, row: Mapping[str, Any], coder: str, place: str) -> Coding | None:
        """Return what the coder made of a text; None where he has not had it.

        What was known of a text when it went to doccano counts for the coder of whom it was known.
        """
        coded, skipped = (row.get(column) == coder for column in (CODED, SKIPPED))
        labels, note = _labels(row[LABEL], place), _note(row, place, own=coded or skipped)
        if labels or coded:
            return self.names.coding(labels, place, note)
        if skipped:
            return Coding(None, note)
        if self.unlabelled == UNLABELLED[0]:
            return self.names.coding((), place, note)
        if self.unlabelled is None:
            self.undecided.append(place)
        return Coding(None, note) if note else None


def _labels(value: Any, place: str) -> list[Any]:
    """Return labels given as a list or, in CSV, joined by #."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return value.split("#")
    if not isinstance(value, list) or any(isinstance(label, list | dict) for label in value):
        raise InputError(
            f"{place}: '{LABEL}' is {_short(value)}, and no list of labels",
            "export a project of text classification, not of sequence labelling",
        )
    return value


def _note(row: Mapping[str, Any], place: str, *, own: bool) -> str:
    comments = row.get(COMMENTS) or []
    listed = [comments] if isinstance(comments, str) else comments
    if not isinstance(listed, list):
        raise InputError(f"{place}: '{COMMENTS}' is {_short(listed)}", "they are a list of texts")
    return "\n".join(map(str, [*([row[NOTE]] if own and row.get(NOTE) else []), *listed]))


def _name(value: Any) -> str:
    """Return a name or number as text; nothing for anything else."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _probabilities(value: Any, place: str) -> dict[str, float]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
        refuse_halves(found, str(value), place)
        return {str(code): float(p) for code, p in found.items() if 0 <= float(p) <= 1}
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise InputError(f"{place}: '{_PROBABILITIES}' is {_short(value)}", "take the column out") from None


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return on_one_line(shown if len(shown) <= 40 else shown[:39] + "…")
