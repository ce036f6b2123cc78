"""What a JPEG is made of (segments) and a PNG (chunks), without decoding anything.

Sources: ITU-T T.81 annex B, JFIF 1.02, TIFF technical note on Adobe's APP14; PNG (W3C, 3rd
edition). One pass, linear in the bytes, with a limit on how many parts there are.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from serving.errors import InvalidInputError


class ImageRefusedError(InvalidInputError):
    """An image that is not taken; the text is the reason, with both sides."""


_MOST_PARTS = 10_000
_PNG = b"\x89PNG\r\n\x1a\n"
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)  # what stands before it is passed over
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAMES = {  # SOFn: what Pillow's libjpeg decodes
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC9: "arithmetic",
    0xCA: "progressive, arithmetic",
}
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})  # Huffman, arithmetic, quantization, …

_COLOURS = {0: "grey", 2: "RGB", 3: "a palette", 4: "grey with alpha", 6: "RGB with alpha"}
_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_SHOWN = frozenset({b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"mDCV", b"cLLI"})

_SIGNATURES = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip"),
    (b"<", "markup"),
)
_HEIF = frozenset({b"avif", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"})


@dataclass(slots=True)
class Parts:
    """What the file says of itself, and its bytes in pieces.

    `kept` are pieces with whether they make the pixels (True), or say how they are shown.
    """

    format: str
    width: int = 0
    height: int = 0
    bits: int = 0
    colours: str = "none stated"
    animated: bool = False
    scans: int = 0
    kept: list[tuple[bool, bytes]] = field(default_factory=list)

    def join(self, *, colours: bool) -> bytes:
        """The file again, without metadata; with what says how colours are shown, or not."""
        return b"".join(piece for pixels, piece in self.kept if pixels or colours)


def split_image(content: bytes) -> Parts:
    """Take a JPEG or PNG apart.

    Raises:
        ImageRefusedError: it is neither, or its segments or chunks do not follow each other.
    """
    if not content:
        raise ImageRefusedError("empty file")
    if content.startswith(b"\xff\xd8\xff"):
        return _split_jpeg(content)
    if content.startswith(_PNG):
        return _split_png(content)
    raise ImageRefusedError(f"expected a JPEG or PNG, got {_name(content)}")


def _name(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return {b"avif": "AVIF"}.get(brand, "HEIC") if brand in _HEIF else "a video or other media"
    for signature, name in _SIGNATURES:
        if content.startswith(signature):
            return name
    return "no image that is known here"


def _split_jpeg(content: bytes) -> Parts:
    parts = Parts("JPEG", kept=[(True, b"\xff\xd8")])
    for marker, payload, position in _segments(content):
        if marker in _FRAMES or marker in _OTHER_FRAMES:
            _read_frame(parts, marker, payload)
        if marker == _EOI:
            parts.kept.append((True, b"\xff\xd9"))
            return parts
        if marker == _SOS:
            parts.scans += 1
            end = _SCAN_END.search(content, position)
            stop = end.start() if end else len(content)
            parts.kept.append((True, _segment(marker, payload) + content[position:stop]))
        elif marker in _FRAMES or marker in _TABLES:
            parts.kept.append((True, _segment(marker, payload)))
        elif (piece := _application(marker, payload)) is not None:
            parts.kept.append(piece)
    if not parts.scans:
        raise ImageRefusedError("truncated: it ends before the first scan")
    return parts  # without its end marker; whether pixels are missing, the decoder sees


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Markers in order, what they carry, and where what follows starts."""
    position, count = 2, 0
    while found := _MARKER.search(content, position):
        if (count := count + 1) > _MOST_PARTS:
            raise ImageRefusedError(f"expected at most {_MOST_PARTS:,} segments, got more")
        marker, position = found[1][0], found.end()
        if marker in _ALONE:
            continue
        if marker < 0xC0:  # reserved: it is what damage within a scan looks like
            raise ImageRefusedError(f"damaged: marker FF{marker:02X} before byte {position:,}")
        if marker in (_SOI, _EOI):
            yield _EOI, b"", position
            return
        stated = int.from_bytes(content[position : position + 2], "big")
        payload = content[position + 2 : position + stated]
        if stated < 2 or len(payload) != stated - 2:
            there = len(content) - position
            raise ImageRefusedError(
                f"truncated: segment FF{marker:02X} states {stated:,} bytes, {there:,} are there"
            )
        position += stated
        yield marker, payload, position


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _read_frame(parts: Parts, marker: int, payload: bytes) -> None:
    if marker not in _FRAMES:
        raise ImageRefusedError(
            f"expected a baseline or progressive JPEG, got SOF{marker - 0xC0} (lossless or layered)"
        )
    if parts.bits or len(payload) < 6:
        raise ImageRefusedError("damaged: expected one whole frame header")
    parts.bits, parts.height, parts.width, count = struct.unpack(">BHHB", payload[:6])
    parts.colours = {1: "grey", 3: "RGB", 4: "CMYK"}.get(count, f"{count} channels")


def _application(marker: int, payload: bytes) -> tuple[bool, bytes] | None:
    """What is kept of an APPn segment: what changes colours. Else None."""
    if marker == 0xE0 and payload.startswith(b"JFIF\x00") and len(payload) >= 14:
        return True, _segment(marker, payload[:12] + b"\x00\x00")  # without its thumbnail
    if marker == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
        return True, _segment(marker, payload[:12])
    if marker == 0xE2 and payload.startswith(b"ICC_PROFILE\x00"):
        return False, _segment(marker, payload)
    return None


def _split_png(content: bytes) -> Parts:
    parts = Parts("PNG", scans=1, kept=[(True, _PNG)])
    position = len(_PNG)
    for _ in range(_MOST_PARTS):
        stated, kind = struct.unpack(">I4s", content[position : position + 8].ljust(8, b"\x00"))
        chunk = content[position : position + 12 + stated]
        if len(chunk) != 12 + stated:
            raise ImageRefusedError(
                f"truncated: the chunk at byte {position:,} needs {12 + stated:,} bytes, "
                f"{len(chunk):,} are there"
            )
        position += len(chunk)
        _read_chunk(parts, kind, chunk[8:-4])
        if kind in _PIXELS or kind in _SHOWN:
            parts.kept.append((kind in _PIXELS, chunk))
        if kind == b"IEND":
            return parts
    raise ImageRefusedError(f"expected at most {_MOST_PARTS:,} chunks, got more")


def _read_chunk(parts: Parts, kind: bytes, payload: bytes) -> None:
    if (kind == b"IHDR") == bool(parts.bits):
        raise ImageRefusedError("damaged: expected one header, before all other chunks")
    if kind == b"IHDR":
        if len(payload) != 13:
            raise ImageRefusedError(f"damaged: expected a header of 13 bytes, got {len(payload)}")
        parts.width, parts.height, parts.bits, colour = struct.unpack(">IIBB", payload[:10])
        parts.colours = _COLOURS.get(colour, f"colour type {colour}")
        if not parts.bits:
            raise ImageRefusedError("damaged: it states 0 bits a channel")
    elif kind == b"tRNS" and parts.colours != "a palette":
        parts.colours += " with transparency"
    elif kind == b"acTL":
        parts.animated = True
