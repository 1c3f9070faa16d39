"""What several tests of data sets make: photos without content, caption files, and any JSON."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from unlearnable.datasets.text.further import _PARTS, DESCRIPTIONS, is_personal


def is_other(name: str) -> bool:
    """Return whether a field is none that describes a photo or says who or where it was, which are not left alone."""
    parts = {part.casefold() for part in _PARTS.findall(name)}  # hypothesis draws names that the code knows, too
    return DESCRIPTIONS.isdisjoint({*parts, name.casefold()}) and not is_personal(name)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(is_other), inner),
    max_leaves=8,
)


def touch(root: Path, *photos: str) -> None:
    for photo in photos:
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).touch()


def captions(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
