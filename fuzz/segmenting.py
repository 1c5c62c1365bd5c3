"""Text → segments: offsets cut the raw text, no Chinese character is lost, both ways of cutting agree."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from classifier import cutting, segments
from classifier.excerpts import Excerpts
from classifier.normalise import aligned, normalise

# One character a byte, so that mutations move among those that matter
_MARKS = (
    "。！？；｡!?;：:，、,.（）()【】[]“”\"‘’'「」《》—-–_·•|｜/／>＞»@=+&#%*~…"
    "\n\r\t\x0b\x0c\x85\u2028\u3000\ufeff\u200b\x00"
)
_LETTERS = "hHtTpPsSwWxX0123456789aFzqrICP日月年"
_HAN = (
    "签约医生每上门药费减半来源作者记编辑摄影图片资料首页下一篇返回打印关闭版权所有转载本报通讯员"
    "扫描二维码公众号联系电话主持人问答局长王小明发布时间位置责任校对习近平总书"
)
_RARE = "é̀ﬃ①Ⅳ㎡𠀀𝟘가ﾞΣ\u202e\ud800\udc00😀"
TABLE = (_MARKS + _LETTERS + _HAN + _RARE)[:256].ljust(256, "户")
TOKENS = ()


def _in_python() -> dict[str, Any]:
    """Return what `cutting` holds, its functions as Python runs them."""
    module = types.ModuleType("cutting_in_python")
    module.__file__ = str(cutting.__file__)
    source = Path(module.__file__).read_text(encoding="utf-8")
    compiled_away = "def njit(function=None, **_): return function or (lambda f: f)"
    source = source.replace("from classifier.compiling import njit", compiled_away)
    exec(compile(source, "cutting in Python", "exec"), vars(module))
    return vars(module)


_PYTHON = _in_python()
INSTRUMENTED = tuple(
    found
    for found in _PYTHON.values()
    if isinstance(found, types.FunctionType) and found.__code__.co_filename == "cutting in Python"
)
_CLASSES = cutting._classes().tolist()


def text_of(data: bytes) -> str:
    """Return the text that bytes stand for: one character each, or UTF-8 behind a byte 255."""
    if data[:1] == b"\xff":
        return data[1:].decode("utf-8", "replace")
    return "".join(TABLE[byte] for byte in data)


def bytes_of(text: str) -> bytes:
    """Return bytes that stand for a text."""
    return b"\xff" + text.encode("utf-8", "replace")


def run(data: bytes) -> bool:
    """Cut a text, and see that the spans are what they must be."""
    text = text_of(data)
    spans = segments.cut(text)
    at, covered = 0, bytearray(len(text))
    for span in spans:
        assert at <= span.start < span.end <= len(text), "spans overlap, or leave the text"
        piece = text[span.start : span.end]
        assert piece == piece.strip(), "white space at the end of a piece"
        covered[span.start : span.end] = b"\1" * len(piece)
        at = span.end
    assert all(covered[found.start()] for found in segments.HAN.finditer(text)), "a Chinese character is lost"
    _same_in_python(text)
    _same_among_others(text, spans)
    _same_aligned(text)
    return any(not span.dropped for span in spans)


def _same_in_python(text: str) -> None:
    whole = Excerpts.of([text])
    one = [column.tolist() for column in cutting.pieces(whole.codes, whole.starts, whole.ends)]
    other = _PYTHON["_pieces"](_CLASSES, whole.codes.tolist(), [0], [len(text)])
    assert all(a == b.tolist() for a, b in zip(one, other, strict=True)), "compiled code cuts otherwise"


def _same_among_others(text: str, spans: list[segments.Span]) -> None:
    """See that a text is cut the same with others before and behind it."""
    parts = ["村里修路。他", text, "；药费减半"]
    whole = Excerpts.of(parts)
    cut, begin = segments.cut_all(whole), whole.starts[1]
    names, mine = ("", *segments.rule_names()), cut.text == 1
    columns = (cut.start[mine] - begin, cut.end[mine] - begin, cut.paragraph[mine], cut.rule[mine])
    found = [(s, e, p, names[r]) for s, e, p, r in zip(*(c.tolist() for c in columns), strict=True)]
    assert found == [(s.start, s.end, s.paragraph, s.dropped) for s in spans], "cut otherwise among others"


def _same_aligned(text: str) -> None:
    """See that a normalised text knows where it comes from."""
    found = aligned(text)
    assert found.text == normalise(text), "normalised otherwise with offsets"
    assert normalise(found.text) == found.text or not found.text.isascii(), "normalising twice changes ASCII"
    assert all(0 <= a < b <= len(text) for a, b in zip(found.starts, found.ends, strict=True)), (
        "offsets are off"
    )


def seeds() -> list[bytes]:
    """Return texts with all kinds of ends, quotes and furniture."""
    texts = [
        "签约医生上门；药费减半。",
        "主持人：药费怎么报？  王局长（县里）：到村里报!“好。”他说",
        "首页 > 新闻 > 正文\n发布时间：2021-03-05 09:20 来源：某报\n（本报记者 王小明）",
        "见https://a.cn/x?y=1;z。&nbsp;&#20;&amp;q!It's 1;2?\r\n\u2028？”。",
        "习近平总书记、习主席在学习总书记讲话。",
        "责任编辑：王小明\n版权所有 未经许可不得转载\nICP备 09号\n扫描二维码关注公众号",
        "2020.4.17 来源:x来源:x来源:x y",
    ]
    return [*map(bytes_of, texts), *(bytes(TABLE.find(c) % 256 for c in text) for text in texts)]
