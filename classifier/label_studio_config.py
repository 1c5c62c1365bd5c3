"""The labelling configuration of a Label Studio project, made from a codebook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import quoteattr

from classifier.codebook import Code, Codebook
from classifier.label_studio import CHOICES, NOTE, TEXT
from classifier.whole_file import whole_file

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def labelling_config(codebook: Codebook) -> str:
    """Return the configuration: a text, a choice for each code, and a field for a note.

    What is shown is a code's Chinese name, or its other one; the code is its alias, which is what
    annotations hold. The definition appears as a hint. Several codes can be chosen, unless the
    codebook says that they exclude each other; none can be chosen, which says that there is none.

    >>> from classifier.codebook import load_codebook
    >>> config = labelling_config(load_codebook())
    >>> '<Choice value="健康扶贫" alias="health"' in config
    True
    """
    choice = "single" if codebook.exclusive else "multiple"
    names = Counter(_name(code) for code in codebook.codes)
    choices = [
        f"    <Choice value={_quoted(_shown(code, names))} alias={_quoted(code.code)}{_hint(code)}/>"
        for code in codebook.codes
    ]
    lines = [
        "<View>",
        f'  <Text name="{TEXT}" value="${TEXT}"/>',
        f'  <Choices name="{CHOICES}" toName="{TEXT}" choice="{choice}" showInline="false">',
        *choices,
        "  </Choices>",
        f'  <TextArea name="{NOTE}" toName="{TEXT}" placeholder="备注 note" maxSubmissions="1"'
        ' editable="true" required="false"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def write_config(codebook: Codebook, out: Path) -> None:
    """Write the configuration, whole or not at all."""
    with whole_file(out) as stream:
        stream.write(labelling_config(codebook))


def _name(code: Code) -> str:
    return code.name.get("zh") or next(iter(code.name.values()), code.code)


def _shown(code: Code, names: Counter[str]) -> str:
    """Return what is shown of a code: its name, with the code where two share it."""
    return _name(code) if names[_name(code)] == 1 else f"{_name(code)} ({code.code})"


def _hint(code: Code) -> str:
    definition = code.definition.get("zh") or next(iter(code.definition.values()), "")
    return f" hint={_quoted(' '.join(definition.split()))}" if definition else ""


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
