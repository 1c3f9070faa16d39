"""What programs write beside photos, and in them, that is read and not published."""

from __future__ import annotations

import html
from pathlib import Path

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
  xmlns:p="http://ns.adobe.com/xap/1.0/mm/" exif:GPSLatitude="48,8.5N">
  {}
  <p:Pantry><rdf:Bag><rdf:li><rdf:Description>{}</rdf:Description></rdf:li></rdf:Bag></p:Pantry>
 </rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def xmp_of(*descriptions: str, title: str = "") -> str:
    """An XMP packet with a description in several languages; that of a part of the picture is not the photo's."""
    parts = _property("description", *descriptions) + (_property("title", title) if title else "")
    return _PACKET.format(parts, _property("description", "a part of it"))


def _property(name: str, *values: str) -> str:
    items = "".join(f"<rdf:li xml:lang='l{n}'>{html.escape(value)}</rdf:li>" for n, value in enumerate(values))
    return f"<dc:{name}><rdf:Alt>{items}</rdf:Alt></dc:{name}>"


def iptc_into(jpeg: Path, caption: bytes) -> None:
    """Write a Caption-Abstract of IPTC into a JPEG, as Photoshop has it."""
    data = b"\x1c\x02\x78" + len(caption).to_bytes(2, "big") + caption
    resource = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
    segment, whole = b"Photoshop 3.0\0" + resource, jpeg.read_bytes()
    jpeg.write_bytes(whole[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + whole[2:])
