"""Characters that would let one name look like another, and how they are printed instead: `⟨U+202E⟩`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TEXT_FONTS = ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf")  # names from outside stand in these two
_FONTS = Path(__file__).parent / "fonts"

# Controls, marks that reorder text, zero-width characters and surrogates would let a name look like another one.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def spell_invisible(value: str) -> str:
    """The text with every control, zero-width and reordering character spelled out; line feeds and tabs stay."""
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)


def visible(value: str) -> str:
    """The text with every character spelled out that is invisible, reorders text, or is not in the packaged font.

    So a name cannot pose as another one, and no page depends on the fonts of the machine that made it.
    """
    if value.isascii() and value.isprintable():
        return value
    known = _glyphs()
    return "".join(
        c if c in "\n\t" or (ord(c) in known and not _INVISIBLE.match(c)) else f"⟨U+{ord(c):04X}⟩" for c in value
    )


@cache
def _glyphs() -> frozenset[int]:
    """Code points that both have."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # the library ships no types

    found: list[set[int]] = []
    for name in TEXT_FONTS:
        with TTFont(_FONTS / name, lazy=True) as font:
            found.append(set(font.getBestCmap()))
    return frozenset(set.intersection(*found))
