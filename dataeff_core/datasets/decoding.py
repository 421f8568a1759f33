"""An image file, decoded in full, as RGB. Whatever is wrong with it is said in plain words.

Our choices: of a file with several pictures (TIFF pages, animated WebP or PNG) the first counts; transparency is
laid over black; colour profiles are not applied; the EXIF orientation is.
"""

import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "TIFF", "WEBP")
MOST_PIXELS = 178_956_970  # as Pillow's own limit: 512 MiB as RGB
ORIENTATION = 0x0112
# what Pillow's decoders raise on damaged files, as its sources show
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    struct.error,
    zlib.error,
)


class Undecodable(Exception):
    """A file that holds no whole picture; the message is the reason, in plain words."""


def decode_image(path: str | os.PathLike[str]) -> np.ndarray:
    """The picture in the file `path`, (h, w, 3) uint8 RGB, upright. Raises Undecodable, MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF and large images warn; the checks below are ours
        try:
            with _opened(path) as image:
                check_size(*image.size)
                if image.format == "PNG":
                    _check_checksums(path)
                image.load()
                if image.format in ("JPEG", "MPO"):
                    _check_closed_early(image, path)
                return to_rgb(_upright(image))
        except DAMAGE as error:
            raise Undecodable(reason_of(error)) from error


def check_size(width: int, height: int) -> None:
    """Raise Undecodable when a picture is too large to decode safely, or empty."""
    if width * height > MOST_PIXELS:
        raise Undecodable(
            f"{width} x {height} pixels are more than the {MOST_PIXELS // 1_000_000} megapixels allowed "
            "(it may be a decompression bomb); cut it into tiles first"
        )
    if width < 1 or height < 1:
        raise Undecodable(f"the picture is empty ({width} x {height} pixels)")


def reason_of(error: Exception) -> str:
    """What went wrong with a file, in plain words."""
    if isinstance(error, Undecodable):
        return str(error)
    text = str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return "the file vanished during the import"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    if "truncated" in text.lower() or "broken data stream" in text.lower() or isinstance(error, EOFError):
        return f"the file is cut off or damaged ({text})"
    if "checksum" in text.lower() or "crc" in text.lower():
        return f"the file is damaged: a checksum is wrong ({text})"
    return f"the file is damaged or of an unknown kind ({type(error).__name__}: {text})"


def _opened(path: str | os.PathLike[str]) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        pixels = f"more than {MOST_PIXELS // 1_000_000} megapixels"
        raise Undecodable(f"the picture has {pixels} (it may be a decompression bomb); cut it into tiles") from error
    except UnidentifiedImageError as error:
        if Path(path).stat().st_size == 0:
            raise Undecodable("the file is empty (zero bytes)") from error
        raise Undecodable("not an image: its content is no JPEG, PNG, BMP, TIFF or WebP, or is damaged") from error


def _check_checksums(path: str | os.PathLike[str]) -> None:
    """Pillow passes over the checksums of a PNG's picture data when it decodes; `verify` looks at all of them."""
    with Image.open(path, formats=["PNG"]) as image:
        image.verify()


def _check_closed_early(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Raise Undecodable when a JPEG was cut off and then given an end mark.

    libjpeg fills what is missing with mid-grey and says nothing. Where the last corner is just that grey, or the
    file is progressive (what is missing is then blurred, not grey), a second decoder that does complain is asked.
    """
    width, height = image.size
    corner = np.asarray(image.crop((max(0, width - 8), max(0, height - 8), width, height)))
    grey = bool(((corner == 127) | (corner == 128)).all())
    if not grey and "progressive" not in image.info:
        return
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        decoder.decode(av.Packet(Path(path).read_bytes()))
    except av.FFmpegError as error:
        message = str(error.log[-1]).strip() if error.log else ""
        if message.startswith(("overread", "error y=")):
            raise Undecodable(f"the file is cut off: its data ends before its picture does ({message})") from error
    finally:
        av.logging.set_level(level)


def _upright(image: Image.Image) -> Image.Image:
    """`image` turned as its EXIF orientation says; as it is where the EXIF data is broken."""
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except DAMAGE:
        return image
    if orientation not in range(2, 9):
        return image
    return ImageOps.exif_transpose(image)


def to_rgb(image: Image.Image) -> np.ndarray:
    """Any Pillow image as (h, w, 3) uint8 RGB."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return np.array(image)
    if image.mode.startswith("I") or image.mode == "F":
        grey = to_eight_bits(np.asarray(image))
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return np.array(Image.alpha_composite(black, rgba).convert("RGB"))
    return np.array(image.convert("RGB"))


def to_eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey levels of more than 8 bits, or floats, as uint8.

    Our choice: unsigned integers are divided by the full range of the smallest usual depth (8, 10, 12 or 16 bits)
    that holds their maximum, because files of 16 bits often carry 10 or 12; floats in [0, 1] are scaled by 255;
    all else is stretched from its own minimum to its maximum. NaN becomes 0.
    """
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    whole = bool((values == np.round(values)).all())
    if whole and low >= 0 and high <= 65535:
        full = next(full for full in (255, 1023, 4095, 65535) if high <= full)
        low, high = 0.0, float(full)
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return np.round((values - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)
