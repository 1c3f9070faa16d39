"""What holds for every row of the registry of formats. A new format needs one function here that makes its sample."""

from __future__ import annotations

import codecs
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from tests.posts.readers.unpublished import xmp_of
from unlearnable.posts import FORMATS, Dataset, Edits, open_dataset, read_written, write_captions
from unlearnable.posts.text import is_blank

A, B, C = "one/a_101.jpg", "one/b_102.JPG", "two/c ç_103.png"
CAPTIONS = {A: ["a dog, running", "a 'brown' dog 🐕"], B: ['the "best" \\ café'], C: ["un chat à Paris", "a cat"]}


def redone(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")


@dataclass(frozen=True)
class Sample:
    """A caption file, or the texts beside the photos, of CAPTIONS in one format.

    `others` are names of fields that are published only if they are kept; `with_captions` says whether captions are
    read from it, `single_lines` whether a caption is one line, `known_only` whether photos that it does not name are
    left out, `one_caption` whether a photo has only its first, `exported` whether it is an export, of which posts.jsonl
    is written. `more` writes what is no text.
    """

    texts: dict[str, str]
    source: str
    others: tuple[str, ...] = ()
    with_captions: bool = True
    single_lines: bool = False
    exported: bool = False
    known_only: bool = False
    one_caption: bool = False
    more: Callable[[Path], None] = lambda root: None

    @property
    def captions(self) -> dict[str, list[str]]:
        return {photo: captions[:1] if self.one_caption else captions for photo, captions in CAPTIONS.items()}


def imagefolder() -> Sample:
    rows = [f'{{"file_name": "{p}", "text" : {quoted(c)}, "n": 1.50}}\n' for p, cs in CAPTIONS.items() for c in cs]
    return Sample({"metadata.jsonl": "".join(rows)}, "metadata.jsonl", ("n",))


def instagram() -> Sample:
    """Two files, one wrapped, in two folders: the first with a post a caption, the second with single photos."""

    def post(photo: str, caption: str) -> str:
        title = json.dumps(redone(caption))
        return (
            f'{{"media": [{{"uri": "{json.dumps(redone(photo))[1:-1]}", "creation_timestamp": 17, "title": {title}}}]}}'
        )

    rows = [post(photo, caption) for photo, captions in CAPTIONS.items() for caption in captions]
    texts = {
        "content/posts_1.json": f"[ {' , '.join(rows[:3])} ]",
        "media/reels.json": wrapped("ig_reels_media", rows[3:]),
    }
    return Sample(texts, "", known_only=True, exported=True)


def facebook() -> Sample:
    """A post a caption, the last two of them descriptions in an album."""

    def medium(photo: str, caption: str) -> str:
        uri, description = (json.dumps(redone(words)) for words in (photo, caption))
        return f'{{"uri": {uri}, "creation_timestamp": 17, "description": {description}}}'

    def post(photo: str, caption: str) -> str:
        data = f'[{{"post": {json.dumps(redone(caption))}}}, {{"update_timestamp": 1.0}}]'
        return f'{{"data": {data}, "attachments": [{{"data": [{{"media": {medium(photo, caption)}}}]}}]}}'

    rows = [(photo, caption) for photo, captions in CAPTIONS.items() for caption in captions]
    album = f'{{"name": "Lake", "photos": [{", ".join(medium(*row) for row in rows[3:])}]}}'
    texts = {"posts/your_posts_1.json": f"[{', '.join(post(*row) for row in rows[:3])}]", "posts/album/0.json": album}
    return Sample(texts, "", known_only=True, exported=True)


def mastodon() -> Sample:
    """A caption is the content of a post, repeated by language, or the alt text of its photo."""

    def post(photo: str, caption: str, alt: bool) -> str:
        content = quoted(f"<p>{escaped(caption)}</p>") if not alt else '"<p></p>"'
        attachment = f'{{"url": "/{photo}", "name": {quoted(caption) if alt else "null"}, "width": 1.0}}'
        note = f'{{"content": {content}, "contentMap": {{"en": {content}}}, "attachment": [{attachment}]}}'
        return f'{{"type": "Create", "object": {note}}}'

    rows = [post(photo, text, n == 1) for photo, captions in CAPTIONS.items() for n, text in enumerate(captions)]
    texts = {"outbox.json": f'{{"orderedItems": [{", ".join(rows)}]}}'}
    return Sample(texts, "", known_only=True, exported=True)


def x() -> Sample:
    def post(photo: str, caption: str) -> str:
        words = quoted(html.escape(caption, quote=False) + " https://t.co/me")
        media = f'[{{"media_url_https": "https://a.b/{photo.split("/")[1]}", "url": "https://t.co/me"}}]'
        return f'{{"tweet": {{"n": 1.50, "full_text" : {words}, "extended_entities": {{"media": {media}}}}}}}'

    rows = [post(photo, caption) for photo, captions in CAPTIONS.items() for caption in captions]
    text = f"window.YTD.tweets.part0 = [ {' , '.join(rows)}]"
    return Sample({"data/tweets.js": text}, "", known_only=True, exported=True)


def takeout() -> Sample:
    """It holds one caption a photo."""
    texts = {
        f"{photo}.supplemental-metadata.json": f'{{"title": "ü", "description" : {quoted(captions[0])}, "n": 1.50,'
        f' "photoTakenTime": {{"timestamp": "17"}}}}\n'
        for photo, captions in CAPTIONS.items()
    }
    return Sample(texts, "", one_caption=True, exported=True)


def wrapped(name: str, rows: list[str]) -> str:
    return f'{{\n  "{name}": [{", ".join(rows)}]}}'


def sidecar() -> Sample:
    texts = {str(Path(p).with_suffix(".txt")): "\n" + "  \n".join(cs) + "\n" for p, cs in CAPTIONS.items()}
    return Sample(texts, "", single_lines=True)


def embedded() -> Sample:
    """Nothing of it is written, as of the two before: tests/posts/readers/test_embedded.py has what is read."""
    return Sample({}, "", with_captions=False, more=write_described_photos)


def write_described_photos(root: Path) -> None:
    for photo, captions in CAPTIONS.items():
        kind = "PNG" if photo.endswith(".png") else "JPEG"
        Image.new("RGB", (20, 20)).save(root / photo, kind, xmp=xmp_of(*captions).encode())


def folder() -> Sample:
    return Sample({}, "", with_captions=False)


def karpathy() -> Sample:
    images = []
    for photo, captions in CAPTIONS.items():
        folder, name = photo.split("/")
        sentences = ", ".join(f'{{"tokens": ["x"], "raw": {quoted(c)}, "sentid": 7e0}}' for c in captions)
        images.append(f'{{"filepath": "{folder}", "filename": "{name}", "split": "val", "sentences": [{sentences}]}}')
    text = '{"dataset": "mine", "images": [ ' + " ,\n ".join(images) + " ]}"
    return Sample({"dataset_mine.json": text}, "dataset_mine.json")


def coco() -> Sample:
    images = ",\n".join(f'{{"file_name": "{p.split("/")[1]}", "id": {n}}}' for n, p in enumerate(CAPTIONS))
    notes = ",".join(
        f'\n{{"id": 1.0e2, "image_id": {n}, "caption": {quoted(c)}}}'
        for n, captions in enumerate(CAPTIONS.values())
        for c in captions
    )
    text = f'{{"info": {{"year": 2014.0}},"images":[{images}],"annotations": [{notes}\n]}}\n'
    return Sample({"captions_val.json": text}, "captions_val.json")


def flickr() -> Sample:
    rows = [f"{p.split('/')[1]}#{n}\t\t{c}\n" for p, cs in CAPTIONS.items() for n, c in enumerate(cs)]
    return Sample({"Flickr.token.txt": "".join(rows)}, "Flickr.token.txt", single_lines=True)


def people() -> Sample:
    """It holds no captions. With "sitting" for "running", the order of the two people changes, and so their names."""
    persons = {A: "Ann running", B: "Ann running", C: "Ann sewing"}
    rows = [f'{{"image": "{photo}", "person": "{person}", "split": "train"}}\n' for photo, person in persons.items()]
    return Sample({"manifest.jsonl": "".join(rows)}, "manifest.jsonl", with_captions=False, known_only=True)


def jsonl() -> Sample:
    numbers = ("0", "0.10", "1E+2")
    rows = [
        f'{{"id":{n}, "image": "{p}","tags":["\\u00e9", 1e5], "captions": [{", ".join(map(quoted, cs))}]}}'
        for n, (p, cs) in zip(numbers, CAPTIONS.items(), strict=True)
    ]
    return Sample({"posts.jsonl": "\n\n".join(rows)}, "posts.jsonl", ("id", "tags"))


def table() -> Sample:
    rows = [f"{p}\t{c}\t 007 \n" for p, cs in CAPTIONS.items() for c in cs]
    return Sample(
        {"train.tsv": "filepath\ttitle\tid\n" + "".join(rows)},
        "train.tsv",
        ("id",),
    )


@dataclass(frozen=True)
class Spelling:
    """How a text becomes the bytes of a file."""

    codec: str = "utf-8"
    mark: bytes = b""
    newline: str = "\n"

    def __call__(self, text: str) -> bytes:
        return self.mark + text.replace("\n", self.newline).encode(self.codec)


SPELLINGS = {
    "utf-8": Spelling(),
    "bom-crlf": Spelling(mark=codecs.BOM_UTF8, newline="\r\n"),
    "utf-16": Spelling("utf-16-be", codecs.BOM_UTF16_BE),
}


SAMPLES: dict[str, Callable[[], Sample]] = {
    make.__name__: make
    for make in (
        imagefolder, instagram, facebook, mastodon, x, takeout, sidecar, embedded, folder, karpathy, coco, flickr,
        people, jsonl, table,
    )
}  # fmt: skip
WITH_CAPTIONS = [name for name, make in SAMPLES.items() if make().with_captions]


def lay_out(root: Path, sample: Sample, spelling: Spelling = SPELLINGS["utf-8"]) -> Path:
    """Write the sample and its photos below `root`; the source that `read` wants."""
    for number, photo in enumerate(CAPTIONS):
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).write_bytes(b"x" * number)
    sample.more(root)
    for name, text in sample.texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(spelling(text))
    return root / sample.source


def write(dataset: Dataset, edits: Edits, output: Path, sample: Sample) -> None:
    write_captions(dataset, edits, output / sample.source)


def captions_of(dataset: Dataset) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in dataset.pairs:
        found.setdefault(pair.photo, []).append(pair.caption)
    return found


def same_paths(dataset: Dataset) -> dict[str, str]:
    return {photo.id: photo.id for photo in dataset.photos}


def test_every_row_has_a_sample() -> None:
    assert list(SAMPLES) == list(FORMATS) == [member.name for member in FORMATS.values()]


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {"embedded"}))  # it is taken by its word alone
def test_it_is_the_first_to_take_its_own_and_opening_finds_it(name: str, tmp_path: Path) -> None:
    source = lay_out(tmp_path, SAMPLES[name]())
    takers = [other for other, member in FORMATS.items() if member.sniff(source)]
    assert takers[0] == name
    (tmp_path / "two" / "unnamed.gif").touch()
    dataset = open_dataset(tmp_path, None if source.is_dir() else source)
    assert dataset.format == name
    if SAMPLES[name]().known_only:
        assert [photo.id for photo in dataset.photos] == sorted(CAPTIONS)
    else:
        assert [photo.id for photo in dataset.photos] == sorted([*CAPTIONS, "two/unnamed.gif"])
        assert captions_of(dataset)["two/unnamed.gif"] == [""]
    if source.is_file():
        assert [photo.id for photo in open_dataset(source).photos] == sorted(CAPTIONS)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"plain words\nand more\n", b"[1, 2]", b"{}"]
)
def test_it_takes_no_stranger(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "metadata.jsonl").write_bytes(content)
    assert not FORMATS[name].sniff(tmp_path / "metadata.jsonl")
    assert not FORMATS[name].sniff(tmp_path / "absent")


@pytest.mark.parametrize("name", WITH_CAPTIONS)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
class TestWithCaptions:
    """Reading and writing, in every encoding and with both newlines."""

    def test_it_reads_each_caption_of_each_photo(self, name: str, spelling: Spelling, tmp_path: Path) -> None:
        sample = SAMPLES[name]()
        dataset = FORMATS[name].read(lay_out(tmp_path, sample, spelling), tmp_path)
        assert captions_of(dataset) == sample.captions
        assert [photo.id for photo in dataset.photos] == sorted(CAPTIONS)
        assert all(photo.path == tmp_path / photo.id for photo in dataset.photos)
        assert dataset.skipped == ()
        assert (dataset.name, dataset.format) == (tmp_path.name, name)
        assert all(pair.record >= 0 for pair in dataset.pairs)

    def test_what_is_written_is_read_again(self, name: str, spelling: Spelling, tmp_path: Path) -> None:
        sample, output = SAMPLES[name](), tmp_path / "out"
        dataset = FORMATS[name].read(lay_out(tmp_path / "in", sample, spelling), tmp_path / "in")
        edits = Edits(
            {(pair.record, pair.index): f'"über" {pair.caption}, 🐈; ok' for pair in dataset.pairs},
            {photo.id: str(Path(photo.id).with_suffix(".webp")) for photo in dataset.photos},
        )
        for path in edits.paths.values():
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            (output / path).touch()
        write(dataset, edits, output, sample)
        assert captions_of(read_written(dataset, output)) == {
            edits.paths[photo]: [f'"über" {c}, 🐈; ok' for c in found] for photo, found in sample.captions.items()
        }
        written = list(output.rglob("*.*"))
        assert any(path.name == "posts.jsonl" for path in written) or not sample.exported
        for one in written:
            one.read_bytes().decode("utf-8")
        if spelling.mark and (output / sample.source).suffix in (".csv", ".tsv"):
            assert (output / sample.source).read_bytes().startswith(codecs.BOM_UTF8)

    @pytest.mark.parametrize("gone", [{C}, {A, B}], ids=len)
    def test_a_photo_that_is_dropped_takes_its_rows_along(
        self, name: str, spelling: Spelling, gone: set[str], tmp_path: Path
    ) -> None:
        sample, output = SAMPLES[name](), tmp_path / "out"
        dataset = FORMATS[name].read(lay_out(tmp_path / "in", sample, spelling), tmp_path / "in")
        lay_out(output, Sample({}, ""))
        write(dataset, Edits({}, {p: p for p in CAPTIONS if p not in gone}), output, sample)
        written = b"".join(path.read_bytes() for path in output.rglob("*") if path.is_file()).decode("utf-8", "replace")
        assert not any(caption in written or quoted(caption) in written for one in gone for caption in CAPTIONS[one])
        again = read_written(dataset, output)
        kept = {pair.photo for pair in again.pairs if pair.record >= 0}
        assert {p: c for p, c in captions_of(again).items() if p in kept} == {
            p: c for p, c in sample.captions.items() if p not in gone
        }


@pytest.mark.parametrize("name", [name for name, make in SAMPLES.items() if make().others])
def test_other_fields_are_published_only_if_they_are_kept(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]()
    dataset = FORMATS[name].read(lay_out(tmp_path / "in", sample), tmp_path / "in")
    assert dataset.fields == tuple(sorted(sample.others))
    for keep in ((), sample.others[:1], sample.others):
        write(dataset, Edits({}, same_paths(dataset), frozenset(keep)), tmp_path / "out", sample)
        lay_out(tmp_path / "out", Sample({}, ""))
        again = FORMATS[name].read(tmp_path / "out" / sample.source, tmp_path / "out")
        assert again.fields == tuple(sorted(keep))
        assert captions_of(again) == sample.captions


@pytest.mark.parametrize("name", SAMPLES)
def test_the_fingerprint_follows_what_was_read(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]()
    member = FORMATS[name]
    source = lay_out(tmp_path, sample)
    first = member.read(source, tmp_path).fingerprint
    assert member.read(source, tmp_path).fingerprint == first
    (tmp_path / A).write_bytes(b"larger than before")
    second = member.read(source, tmp_path).fingerprint
    assert second != first
    if sample.texts:
        path = tmp_path / next(iter(sample.texts))
        path.write_text(path.read_text(encoding="utf-8").replace("running", "sitting"), encoding="utf-8")
        assert member.read(source, tmp_path).fingerprint != second


def texts_without(letters: str) -> st.SearchStrategy[str]:
    texts = st.text(st.characters(codec="utf-8", exclude_characters=letters), min_size=1)
    return texts.filter(lambda text: text.strip() == text and not is_blank(text))


@pytest.mark.parametrize("name", WITH_CAPTIONS)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_any_caption_comes_back_as_it_went(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any")
    sample = SAMPLES[name]()
    dataset = FORMATS[name].read(lay_out(root, sample), root)
    texts = texts_without("\n\0" if sample.single_lines else "\0")
    edits = Edits({(p.record, p.index): data.draw(texts) for p in dataset.pairs}, same_paths(dataset))
    lay_out(root / "out", Sample({}, ""))
    write(dataset, edits, root / "out", sample)
    again = read_written(dataset, root / "out")
    order = [edits.captions[pair.record, pair.index] for pair in dataset.pairs]
    assert [pair.caption for pair in again.pairs] == order
