"""One photograph: its bytes are checked and decoded as Keras does, or refused with a reason.

content -> segments (what the file says of itself, and what it carries) -> pixels
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fruits.segments import ImageRefusedError, Parts, split_image
from serving.errors import brief

__all__ = ["LIMIT_BYTES", "LIMIT_PIXELS", "ImageRefusedError", "decode", "strip_metadata"]

LIMIT_BYTES = 32 * 1024 * 1024
LIMIT_PIXELS = 50_000_000  # 150 MB of RGB
# Each scan of a progressive JPEG passes over all pixels, and may be a few bytes.
_LIMIT_PIXELS_READ = 1_000_000_000


def decode(content: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels of a JPEG or PNG, by what the content is and not by its name.

    What `keras.utils.load_img(…, target_size=size)` and `img_to_array` give: grey becomes RGB,
    another size is resized by the nearest pixel, the orientation in EXIF is not looked at.

    Args:
        size: height and width wanted.

    Returns:
        (height, width, 3), RGB.

    Raises:
        ImageRefusedError: the content is no JPEG or PNG of 8 bits in RGB or grey, is damaged, or
            is over a limit; the limits are checked before anything is decoded.
    """
    if len(content) > LIMIT_BYTES:
        raise ImageRefusedError(too_many_bytes(len(content)))
    parts = split_image(content)
    _check(parts)
    height, width = size
    try:
        # Of the file only what makes the pixels: no parser of Pillow's meets EXIF or profiles.
        with Image.open(io.BytesIO(parts.join(colours=False)), formats=(parts.format,)) as image:
            # What was checked is what is decoded.
            if image.size != (parts.width, parts.height) or image.mode not in ("RGB", "L"):
                raise ImageRefusedError("damaged: its header states two sizes or colours")
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            if rgb.size != (width, height):
                rgb = rgb.resize((width, height), Image.Resampling.NEAREST)
            return np.asarray(rgb)
    except (ImageRefusedError, MemoryError):
        raise
    except UnidentifiedImageError as cause:  # its text holds an address in memory
        raise ImageRefusedError(f"damaged: no header of {parts.format} that can be read") from cause
    except Exception as cause:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, …
        raise ImageRefusedError(f"damaged: {brief(cause)}") from cause


def strip_metadata(content: bytes) -> bytes:
    """The same photograph without what it says of place, time, owner and camera.

    Cut out are EXIF (with it the orientation and the thumbnail), XMP, IPTC, comments, texts,
    thumbnails of JFIF, what follows the end of the image (further pictures, trailers), and any
    segment or chunk not known here. Kept is what tells a decoder or a screen the colours: JFIF,
    Adobe, the ICC profile, gamma. The compressed pixels are not touched.

    Raises:
        ImageRefusedError: the content is not a JPEG or PNG of one picture, or is damaged.
    """
    parts = split_image(content)
    if parts.animated:
        raise ImageRefusedError("expected one picture, got an animation")
    return parts.join(colours=True)


def too_many_bytes(length: int) -> str:
    """Why a file of `length` bytes is refused; it is said of files that were never read."""
    return f"expected at most {LIMIT_BYTES:,} bytes, got {length:,}"


def _check(parts: Parts) -> None:
    if parts.bits != 8:
        raise ImageRefusedError(f"expected 8 bits a channel, got {parts.bits}")
    if parts.colours not in ("RGB", "grey"):
        raise ImageRefusedError(f"expected RGB or grey, got {parts.colours}")
    if parts.animated:
        raise ImageRefusedError("expected one picture, got an animation")
    if not parts.width or not parts.height:
        raise ImageRefusedError(f"damaged: it states {parts.width} by {parts.height} pixels")
    if parts.width * parts.height > LIMIT_PIXELS:
        raise ImageRefusedError(
            f"expected at most {LIMIT_PIXELS:,} pixels, got {parts.width:,} by {parts.height:,}"
        )
    if parts.scans * parts.width * parts.height > max(_LIMIT_PIXELS_READ, LIMIT_PIXELS):
        raise ImageRefusedError(f"too many passes over its pixels: {parts.scans:,} scans")
