"""Photographs for tests, good and hostile, made here and now."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fruits.images import LIMIT_BYTES

OWNER = b"Anna's orchard\x00\x00"


def photograph(mode: str = "RGB", size: tuple[int, int] = (100, 100), seed: int = 0) -> Image.Image:
    """A gradient with noise, of (width, height)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1)
    noise = np.random.default_rng(seed).normal(0, 8, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).convert(mode)


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """The JPEG with these directly after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
    )


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """The PNG with these directly after its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def png_of(width: int, height: int, *, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG whose header says so; it holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def resized_header(jpeg: bytes, width: int, height: int, marker: int = 0xC0) -> bytes:
    """The JPEG whose frame header states another size."""
    place = jpeg.index(bytes([0xFF, marker]))
    return jpeg[: place + 5] + struct.pack(">HH", height, width) + jpeg[place + 9 :]


def many_scans(count: int) -> bytes:
    """A progressive JPEG of 4,000 by 4,000 that passes over its pixels `count` times more."""
    jpeg = resized_header(encode(photograph("L"), progressive=True), 4000, 4000, 0xC2)
    scan = segment(0xDA, bytes([1, 1, 0, 1, 5, 0x02])) + b"\x00"
    return jpeg[:-2] + count * scan + b"\xff\xd9"


def animation() -> bytes:
    frames = [photograph(seed=seed) for seed in range(2)]
    return encode(frames[0], "PNG", save_all=True, append_images=frames[1:])


GOOD = encode(photograph())

# name of the file -> content, and how the reason begins
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "empty file"),
    "text.jpg": (b"not an image", "expected a JPEG or PNG, got no image that is known here"),
    "page.jpg": (b"<html></html>", "expected a JPEG or PNG, got markup"),
    "gif.jpg": (encode(photograph(), "GIF"), "expected a JPEG or PNG, got GIF"),
    "bmp.jpg": (encode(photograph(), "BMP"), "expected a JPEG or PNG, got BMP"),
    "webp.jpg": (encode(photograph(), "WEBP"), "expected a JPEG or PNG, got WebP"),
    "tiff.jpg": (encode(photograph(), "TIFF"), "expected a JPEG or PNG, got TIFF"),
    "heic.jpg": (b"\x00\x00\x00\x18ftypheic" + bytes(12), "expected a JPEG or PNG, got HEIC"),
    "start.jpg": (b"\xff\xd8\xff", "truncated: it ends before the first scan"),
    "header.jpg": (GOOD[:100], "truncated: segment FFDB states 67 bytes, "),
    "half.jpg": (GOOD[: len(GOOD) // 2], "damaged: image file is truncated"),
    "half.png": (encode(photograph(), "PNG")[:5000], "truncated: the chunk at byte 33 needs"),
    "marker.jpg": (
        GOOD[:1200] + b"\xff\x03" + GOOD[1200:],
        "damaged: marker FF03 before byte 1,20",
    ),
    "lossless.jpg": (
        GOOD.replace(b"\xff\xc0", b"\xff\xc3", 1),
        "expected a baseline or progressive",
    ),
    "frames.jpg": (
        with_segments(GOOD, segment(0xC0, bytes(6)), segment(0xC0, bytes([8] + 5 * [1]))),
        "damaged: expected one whole frame header",
    ),
    "cmyk.jpg": (encode(photograph("CMYK")), "expected RGB or grey, got CMYK"),
    "twelve.jpg": (
        GOOD.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c"),
        "expected 8 bits a channel, got 12",
    ),
    "sixteen.png": (png_of(10, 10, bits=16), "expected 8 bits a channel, got 16"),
    "one.png": (encode(photograph("1"), "PNG"), "expected 8 bits a channel, got 1"),
    "palette.png": (encode(photograph("P"), "PNG"), "expected RGB or grey, got a palette"),
    "alpha.png": (encode(photograph("RGBA"), "PNG"), "expected RGB or grey, got RGB with alpha"),
    "clear.png": (
        encode(photograph(), "PNG", transparency=(0, 0, 0)),
        "expected RGB or grey, got RGB with transparency",
    ),
    "moving.png": (animation(), "expected one picture, got an animation"),
    "flat.png": (png_of(0, 5), "damaged: it states 0 by 5 pixels"),
    "headless.png": (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b""), "damaged: expected one header"),
    "hollow.png": (png_of(100, 100), "damaged: "),
    "bomb.png": (
        png_of(60_000, 60_000),
        "expected at most 50,000,000 pixels, got 60,000 by 60,000",
    ),
    "bomb.jpg": (
        resized_header(GOOD, 65_000, 65_000),
        "expected at most 50,000,000 pixels, got 65,000 by 65,000",
    ),
    "scans.jpg": (many_scans(2000), "too many passes over its pixels: 2,0"),
    "segments.jpg": (
        with_segments(GOOD, 10_001 * segment(0xFE, b"")),
        "expected at most 10,000 seg",
    ),
    "chunks.png": (
        with_chunks(png_of(9, 9), 10_001 * chunk(b"teXt", b"")),
        "expected at most 10,000",
    ),
    "fill.jpg": (b"\xff\xd8" + b"\xff" * 2_000_000, "truncated: it ends before the first scan"),
}


def write_huge(path: Path) -> None:
    """A file of 3 GB that takes no room: whoever reads it is seen."""
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(3 * 1024**3)


TOO_LARGE = GOOD + bytes(LIMIT_BYTES)
