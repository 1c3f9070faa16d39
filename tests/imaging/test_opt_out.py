from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import Encoding, KeepMetadata, encode
from unlearnable.imaging.metadata import NAMESPACE, PROHIBITED, VOCABULARY, joins, opt_out_of, prohibit
from unlearnable.imaging.picture import Picture

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ENCODINGS = [Encoding("png"), Encoding("webp"), Encoding("webp", 90), Encoding("jpeg", 95)]


def packet(attributes: str = "", inside: str = "", prefix: str = "plus") -> bytes:
    """A packet with a title, and what a test adds."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><!-- mine --><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<r:RDF xmlns:r="{RDF}"><r:Description r:about="uuid:7" xmlns:{prefix}="{NAMESPACE}" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}><dc:title>&lt;été&gt;</dc:title>{inside}'
        '</r:Description></r:RDF></x:xmpmeta>   <?xpacket end="w"?>'
    ).encode()


ALLOWED = VOCABULARY + "DMI-ALLOWED"
PACKETS = {
    "without": packet(),
    "attribute": packet(f'plus:DataMining="{ALLOWED}"'),
    "text": packet(inside=f"<plus:DataMining> {ALLOWED} </plus:DataMining>"),
    "resource": packet(inside=f'<plus:DataMining r:resource="{ALLOWED}"/>'),
    "other prefix": packet(f'p:DataMining="{ALLOWED}"', prefix="p"),
    "twice": packet(f'plus:DataMining="{VOCABULARY}{PROHIBITED}"', f"<plus:DataMining>{ALLOWED}</plus:DataMining>"),
}


@pytest.mark.parametrize("name", PACKETS)
def test_it_joins_what_is_there_and_loses_nothing_of_it(name: str) -> None:
    before = opt_out_of(PACKETS[name])
    assert before == {"without": None, "twice": PROHIBITED}.get(name, "DMI-ALLOWED")
    joined = prohibit(PACKETS[name])
    assert opt_out_of(joined) == PROHIBITED
    assert joined.count(b"DataMining") == 1
    assert b"ALLOWED" not in joined
    assert joined.count(b":RDF ") == 1  # a second one is no XMP
    for kept in ("<dc:title>&lt;été&gt;</dc:title>", "<!-- mine -->", "<?xpacket begin", '<?xpacket end="w"?>'):
        assert kept.encode() in joined
    assert joined.count(b'about="uuid:7"') == 2  # all properties of a packet are said of one thing
    assert prohibit(joined) == joined


def test_without_a_packet_it_is_the_only_property() -> None:
    made = prohibit(None)
    assert made.startswith(b'<?xpacket begin="\xef\xbb\xbf"')
    assert opt_out_of(made) == PROHIBITED
    assert made.count(b":about=") == 1


def test_a_packet_without_properties_gets_its_first() -> None:
    empty = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">kept</x:xmpmeta>'
    assert joins(empty)
    assert opt_out_of(empty) is None
    assert b"kept" in prohibit(empty)
    assert opt_out_of(prohibit(empty)) == PROHIBITED


NESTED = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b"<a>" * 3000 + b"</a>" * 3000 + b"</x:xmpmeta>"
BOMB = b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'


@pytest.mark.parametrize(
    "broken", [b"", b"\0\0", b"no XML", b"<a/>", packet()[:-90], NESTED, BOMB, BOMB.decode().encode("utf-16")]
)
def test_what_is_no_xmp_is_replaced(broken: bytes) -> None:
    assert not joins(broken)
    assert opt_out_of(broken) is None
    assert prohibit(broken) == prohibit(None)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("keep", ["none", "safe", "all"])
def test_every_copy_carries_it(
    photo: NDArray[np.uint8], tmp_path: Path, encoding: Encoding, keep: KeepMetadata
) -> None:
    path = tmp_path / f"a{encoding.suffix}"
    picture = Picture(photo, None, None, PACKETS["attribute"], "PNG")
    encode(picture, path, encoding, keep_metadata=keep, opt_out=True)
    back = decode(path)
    assert opt_out_of(back.xmp) == PROHIBITED
    assert back.xmp is not None
    assert (b"dc:title" in back.xmp) == (keep == "all")
    found = [element.get(f"{{{NAMESPACE}}}DataMining") for element in ElementTree.fromstring(back.xmp).iter()]
    assert f"{VOCABULARY}{PROHIBITED}" in found  # as others read it
    encode(picture, path, encoding, keep_metadata=keep)
    assert opt_out_of(decode(path).xmp) == ("DMI-ALLOWED" if keep == "all" else None)


def test_a_packet_too_long_for_a_jpeg_leaves_the_opt_out(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    picture = Picture(photo, None, None, packet(inside="<dc:rights>x</dc:rights>"), "PNG")
    assert picture.xmp is not None
    for length in (64_990, 70_000):  # the first fits, but not with the opt-out
        filling = b"x" * (length - len(picture.xmp) + 1)
        long = replace(picture, xmp=picture.xmp.replace(b">x<", b">" + filling + b"<"))
        encode(long, tmp_path / "a.jpg", Encoding("jpeg", 90), keep_metadata="all", opt_out=True)
        assert decode(tmp_path / "a.jpg").xmp == prohibit(None)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif", "a.heic", "a.tif"])
def test_it_is_read_from_every_kind_of_photo(photo: NDArray[np.uint8], tmp_path: Path, name: str) -> None:
    xmp = PACKETS["resource"]
    options: dict[str, Any] = {}
    if name == "a.png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif name == "a.tif":
        options["tiffinfo"] = {700: xmp}
    else:
        options["xmp"] = xmp
    Image.fromarray(photo).save(tmp_path / name, **options)
    assert opt_out_of(decode(tmp_path / name).xmp) == "DMI-ALLOWED"
