"""What gallery-dl writes beside each photo with `--write-metadata`: the words of its post, in `a.jpg.json`.

It is not published: it also holds whatever a site tells of a post, such as who wrote it and who answered.
"""

from __future__ import annotations

from unlearnable.datasets.beside import Beside, StoredCaption, json_beside
from unlearnable.datasets.text import html_text
from unlearnable.datasets.text.json_spans import decode, text_in
from unlearnable.datasets.text.spans import is_blank, spell_line
from unlearnable.datasets.tree import telling_words

_ITS_OWN = frozenset({"category", "subcategory", "filename", "extension"})  # whatever the site
_WORDS = ("description", "content", "caption", "text")  # one of them, by the site
_TITLE = "title"


def _captions(text: str) -> list[StoredCaption]:
    whole = decode(text)
    if not isinstance(whole.value, dict) or not whole.value.keys() >= _ITS_OWN:
        raise ValueError(f"not all of {', '.join(sorted(_ITS_OWN))}")
    found = [html_text.read(one.value).text.strip() for name in _WORDS if (one := text_in(text, whole, name))]
    title = text_in(text, whole, _TITLE)
    found += [title.value] if title and telling_words(title.value) else []
    return [StoredCaption(words, (), spell_line) for words in dict.fromkeys(found) if not is_blank(words)]


GALLERY_DL = Beside("gallery-dl", json_beside, _captions, None)
