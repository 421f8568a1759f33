"""Pictures and clips made on the spot, whole and broken, for the import's tests."""

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from PIL import Image


def picture(seed: int = 0, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth coloured picture with a little texture, (height, width, 3) uint8; another for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 220, (4, 5, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    return np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8)


def save(path: Path, rgb: np.ndarray | None = None, **options: object) -> Path:
    """Write a picture to `path` in the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture() if rgb is None else rgb).save(path, **options)
    return path


def encoded(format_: str, rgb: np.ndarray | None = None, **options: object) -> bytes:
    """A picture's bytes in a format."""
    stream = io.BytesIO()
    Image.fromarray(picture() if rgb is None else rgb).save(stream, format_, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    """One chunk of a PNG file, with its own checksum or a wrong one."""
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A true black-and-white PNG of that size, a few kilobytes long."""
    row = b"\0" + bytes((width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row * 1000) for _ in range(height // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_with_bad_checksum(rgb: np.ndarray | None = None) -> bytes:
    """A PNG whose picture data is right and whose checksum of it is not."""
    data = encoded("PNG", rgb)
    start = data.index(b"IDAT") - 4
    length = struct.unpack(">I", data[start : start + 4])[0]
    end = start + 8 + length
    return data[:end] + bytes(byte ^ 0xFF for byte in data[end : end + 4]) + data[end + 4 :]


def counting_frame(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A frame that says its number in eight black or white stripes, so that any codec brings it through."""
    frame = np.full((height, width, 3), 90, np.uint8)
    frame[: height // 3] = picture(number, width, height)[: height // 3]
    for bit in range(8):
        stripe = slice(bit * width // 8, (bit + 1) * width // 8)
        frame[height // 2 :, stripe] = 255 if number >> bit & 1 else 0
    return frame


def number_of(rgb: np.ndarray) -> int:
    """The number that `counting_frame` wrote."""
    height, width = rgb.shape[:2]
    stripes = rgb[height // 2 + 4 :].mean(axis=(0, 2)).reshape(8, width // 8).mean(axis=1)
    return int(sum(1 << bit for bit in range(8) if stripes[bit] > 128))


def clip(
    path: Path,
    frames: int = 30,
    *,
    rate: int = 10,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    width: int = 64,
    height: int = 48,
    gop: int = 12,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode a clip of counting frames at `rate` a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.gop_size = gop
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(counting_frame(number, width, height), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def sound_only(path: Path) -> Path:
    """A file with a sound stream and no video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cut(path: Path, share: float) -> Path:
    """Shorten a file to a share of its length."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
