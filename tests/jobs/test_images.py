"""One photograph: decoded as Keras does, refused with a reason, or freed of its metadata."""

import io
import random
import resource
import tracemalloc
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fruits.images import LIMIT_BYTES, ImageRefusedError, decode, strip_metadata
from tests.jobs.photographs import (
    GOOD,
    HOSTILE,
    OWNER,
    TOO_LARGE,
    chunk,
    encode,
    photograph,
    segment,
    with_chunks,
    with_segments,
)

KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("RGB", "JPEG", {}),
    ("L", "JPEG", {}),
    ("RGB", "JPEG", {"progressive": True}),
    ("RGB", "JPEG", {"quality": 97, "subsampling": 0}),
    ("L", "JPEG", {"restart_marker_blocks": 3}),
    ("RGB", "PNG", {}),
    ("L", "PNG", {"optimize": True}),
]
PROFILE = b"ICC_PROFILE\x00\x01\x01" + bytes(range(200))


def keras_pixels(content: bytes, size: tuple[int, int]) -> Any:
    image = keras.utils.load_img(io.BytesIO(content), target_size=size)
    return keras.utils.img_to_array(image)


@pytest.mark.parametrize("size", [(100, 100), (37, 64), (224, 224)])
@pytest.mark.parametrize(("mode", "kind", "options"), KINDS)
def test_pixels_are_those_of_keras(
    mode: str, kind: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    content = encode(photograph(mode), kind, **options)
    pixels = decode(content, size)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, keras_pixels(content, size))


def test_orientation_is_not_looked_at() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    content = encode(photograph(size=(60, 40)), exif=exif)
    np.testing.assert_array_equal(decode(content, (40, 60)), keras_pixels(content, (40, 60)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_segments(GOOD, segment(0xE1, b"Exif\x00\x00garbage")), id="damaged EXIF"),
        pytest.param(with_segments(GOOD, segment(0xE2, b"MPF\x00garbage")), id="damaged MPF"),
        pytest.param(with_segments(GOOD, segment(0xED, b"Photoshop 3.0\x008BIM")), id="IPTC"),
        pytest.param(GOOD + GOOD, id="a second picture"),
        pytest.param(GOOD[:-2], id="no end marker"),
        pytest.param(with_segments(GOOD, b"\xff\xff\xff"), id="fill bytes"),
    ],
)
def test_what_stands_beside_the_pixels_does_not_matter(content: bytes) -> None:
    np.testing.assert_array_equal(decode(content, (100, 100)), decode(GOOD, (100, 100)))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_images_are_refused(name: str) -> None:
    content, reason = HOSTILE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageRefusedError) as refusal:
        decode(content, (100, 100))
    assert str(refusal.value).startswith(reason)
    assert len(str(refusal.value)) < 200
    assert "0x" not in str(refusal.value)  # the same text tomorrow
    # Bounded by the limits, of which a bomb is a hundred times as large.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_a_file_over_the_limit_is_not_looked_into() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageRefusedError, match=f"expected at most {LIMIT_BYTES:,} bytes, got"):
            decode(TOO_LARGE, (100, 100))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def mutate(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 8])):
        place = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[place] = dice.choice([0, 0xFF, 0xC0, 0xC2, 0xD8, 0xD9, 0xDA, 7])
            case 1:
                data[dice.randrange(min(len(data), 700))] = dice.randrange(256)
            case 2:
                del data[place : place + dice.randrange(40)]
            case 3:
                data[place:place] = data[place // 2 : place // 2 + dice.randrange(60)]
    return bytes(data)


def test_a_damaged_image_is_decoded_or_refused() -> None:
    """Nothing else happens: no other error, no warning, no other size."""
    dice = random.Random(7)
    seeds = [encode(photograph(mode), kind, **options) for mode, kind, options in KINDS]
    refused = 0
    for _ in range(1500):
        content = mutate(dice.choice(seeds), dice)
        try:
            pixels = decode(content, (100, 100))
        except ImageRefusedError:
            refused += 1
        else:
            np.testing.assert_array_equal(decode(strip_metadata(content), (100, 100)), pixels)
    assert 300 < refused < 1400


def private(content: bytes, kind: str) -> bytes:
    """The image with the owner's name wherever one can be."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112], exif[0x013B] = OWNER.decode(), 6, OWNER.decode()
    if kind == "PNG":
        texts = [chunk(kind, b"Author\x00" + OWNER) for kind in (b"tEXt", b"prVt", b"eXIf")]
        return with_chunks(content, chunk(b"gAMA", bytes([0, 0, 0xB1, 0x8F])), *texts) + OWNER
    image = Image.open(io.BytesIO(content))
    tagged = encode(image, exif=exif, comment=OWNER, quality="keep")
    thumbnail = b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x02\x02" + OWNER[:12]
    kinds = {
        0xE1: b"http://ns.adobe.com/xap/1.0/\x00",
        0xE2: b"MPF\x00",
        0xED: b"Photoshop 3.0\x00",
        0xEF: b"",
    }
    segments = [segment(marker, head + OWNER) for marker, head in kinds.items()]
    jpeg = with_segments(
        tagged.replace(tagged[2:20], segment(0xE0, thumbnail), 1), segment(0xE2, PROFILE), *segments
    )
    return jpeg + GOOD + OWNER


@pytest.mark.parametrize(("mode", "kind", "options"), KINDS)
def test_metadata_is_cut_out_and_pixels_stay(mode: str, kind: str, options: dict[str, Any]) -> None:
    plain = encode(photograph(mode), kind, **options)
    content = private(plain, kind)
    assert OWNER[:12] in content
    stripped = strip_metadata(content)
    assert OWNER[:12] not in stripped
    assert b"Exif" not in stripped
    np.testing.assert_array_equal(decode(stripped, (100, 100)), decode(content, (100, 100)))
    with Image.open(io.BytesIO(stripped)) as image:
        assert (image.format, image.mode, dict(image.getexif())) == (kind, mode, {})
        assert image.info.get("icc_profile") == (None if kind == "PNG" else PROFILE[14:])
    assert strip_metadata(stripped) == stripped


def test_what_tells_the_colours_is_kept() -> None:
    adobe = segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x00")  # RGB, not YCbCr
    jpeg = with_segments(GOOD[:2] + GOOD[20:], adobe, segment(0xE2, PROFILE))
    assert strip_metadata(jpeg) == jpeg
    assert not np.array_equal(decode(jpeg, (100, 100)), decode(GOOD, (100, 100)))
    np.testing.assert_array_equal(decode(jpeg, (100, 100)), keras_pixels(jpeg, (100, 100)))
    png = with_chunks(encode(photograph(), "PNG"), chunk(b"sRGB", b"\x00"))
    assert strip_metadata(png) == png


def test_an_animation_is_not_stripped() -> None:
    with pytest.raises(ImageRefusedError, match="got an animation"):
        strip_metadata(HOSTILE["moving.png"][0])


def test_every_drawn_image_is_taken(orchard: Path) -> None:
    files = sorted(orchard.rglob("*.jpg"))
    assert files
    for file in files:
        content = file.read_bytes()
        np.testing.assert_array_equal(
            decode(content, (100, 100)), keras_pixels(content, (100, 100))
        )
        assert len(strip_metadata(content)) <= len(content)
