"""Image files of every kind, whole and broken: either the right picture or a reason."""

import resource
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.datasets.decoding import Undecodable, decode_image, to_eight_bits
from tests.datasets.making import encoded, picture, png_bomb, png_chunk, png_with_bad_checksum, save


def reason(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(Undecodable) as caught:
        decode_image(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_lossless_formats_come_through_exactly(tmp_path: Path, name: str) -> None:
    assert np.array_equal(decode_image(save(tmp_path / name)), picture())


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_formats_come_through_nearly(tmp_path: Path, name: str) -> None:
    got = decode_image(save(tmp_path / name, quality=95))
    assert np.abs(got.astype(int) - picture()).mean() < 6


def test_an_image_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("PNG"))
    assert np.array_equal(decode_image(tmp_path / "a.jpg"), picture())


def test_greyscale_and_one_bit(tmp_path: Path) -> None:
    grey = picture()[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey > 128).save(tmp_path / "bit.png")
    assert np.array_equal(decode_image(tmp_path / "grey.png"), np.repeat(grey[..., None], 3, 2))
    assert np.array_equal(decode_image(tmp_path / "bit.png")[..., 1], (grey > 128) * np.uint8(255))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_keep_their_range(tmp_path: Path, name: str) -> None:
    grey = (picture()[..., 0].astype(np.uint16)) * 257
    grey[0, 0] = 65535
    Image.fromarray(grey).save(tmp_path / name)
    assert np.array_equal(decode_image(tmp_path / name)[1:, :, 0], picture()[1:, :, 0])


def test_twelve_bits_in_sixteen_are_not_black(tmp_path: Path) -> None:
    grey = np.linspace(0, 4095, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert decode_image(tmp_path / "a.png").max() == 255


def test_floats_and_their_holes() -> None:
    assert to_eight_bits(np.array([[0.0, 0.5, 1.0, np.nan]])).tolist() == [[0, 128, 255, 0]]
    assert to_eight_bits(np.array([[-5.0, 0.0, 5.0]])).tolist() == [[0, 128, 255]]
    assert to_eight_bits(np.zeros((2, 2))).max() == 0


def test_cmyk(tmp_path: Path) -> None:
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    got = decode_image(tmp_path / "a.jpg")
    assert got.shape == (48, 64, 3)
    assert np.abs(got.astype(int) - picture()).mean() < 8


def test_palette(tmp_path: Path) -> None:
    image = Image.fromarray(picture()).quantize(64)
    image.save(tmp_path / "a.png")
    assert np.array_equal(decode_image(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_black(tmp_path: Path, mode: str) -> None:
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:, :32] = 0
    image = Image.fromarray(np.dstack([picture(), alpha]))
    if mode == "P":
        image = Image.fromarray(picture()).quantize(4)
        image.info["transparency"] = bytes([0, 0, 0, 0])
    elif mode == "LA":
        image = image.convert("LA")
    image.save(tmp_path / "a.png")
    got = decode_image(tmp_path / "a.png")
    assert got[:, :32].max() == 0
    assert (got[:, 33:].max() > 0) == (mode != "P")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = picture()
    undo = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 1, 7: 1, 8: 3}[orientation]  # quarter turns, as stored in the file
    stored = np.rot90(upright, undo)
    if orientation == 5:
        stored = upright.transpose(1, 0, 2)
    elif orientation == 7:
        stored = upright[::-1, ::-1].transpose(1, 0, 2)
    elif orientation in (2, 4):
        stored = upright[:, ::-1] if orientation == 2 else upright[::-1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode_image(tmp_path / "a.png"), upright)


def test_broken_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    data = encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff")
    (tmp_path / "a.jpg").write_bytes(data)
    assert decode_image(tmp_path / "a.jpg").shape == (48, 64, 3)


def test_of_several_pictures_the_first_counts(tmp_path: Path) -> None:
    pages = [Image.fromarray(picture(seed)) for seed in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "a.webp", save_all=True, append_images=pages[1:], lossless=True)
    assert np.array_equal(decode_image(tmp_path / "a.tif"), picture(0))
    assert np.array_equal(decode_image(tmp_path / "a.webp"), picture(0))


def test_no_image_at_all(tmp_path: Path) -> None:
    assert "not an image" in reason(tmp_path / "a.jpg", b"<html>Not found</html>")
    assert "not an image" in reason(tmp_path / "b.jpg", encoded("GIF"))
    assert "zero bytes" in reason(tmp_path / "c.jpg", b"")


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_cut_off_file_is_never_a_picture(tmp_path: Path, format_: str, share: float) -> None:
    data = encoded(format_)
    assert reason(tmp_path / "a.jpg", data[: int(len(data) * share)])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_a_cut_off_jpeg_that_was_given_an_end_mark_is_found_out(
    tmp_path: Path, share: float, progressive: bool
) -> None:
    data = encoded("JPEG", picture(1, 320, 240), quality=90, progressive=progressive)
    assert "cut off" in reason(tmp_path / "a.jpg", data[: int(len(data) * share)] + b"\xff\xd9")


def test_whole_jpegs_with_a_grey_corner_or_in_passes_are_fine(tmp_path: Path) -> None:
    rgb = picture(1, 320, 240)
    rgb[200:, 200:] = 128
    for name, options in {"grey.jpg": {}, "passes.jpg": {"progressive": True}}.items():
        assert decode_image(save(tmp_path / name, rgb, **options)).shape == rgb.shape


def test_png_with_a_bad_checksum(tmp_path: Path) -> None:
    assert "checksum" in reason(tmp_path / "a.png", png_with_bad_checksum())


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = png_bomb()
    made = max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert "megapixels" in reason(tmp_path / "a.png", data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - made < 40_000  # kB


@pytest.mark.parametrize("format_", ["BMP", "JPEG"])
def test_a_size_that_the_data_does_not_fill_is_refused(tmp_path: Path, format_: str) -> None:
    data = bytearray(encoded(format_))
    if format_ == "BMP":
        data[18:26] = struct.pack("<ii", 20_000, 20_000)
    else:
        frame = data.index(b"\xff\xc0")
        data[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
    assert "megapixels" in reason(tmp_path / "a.jpg", bytes(data))


def test_a_png_of_no_size(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 0, 10, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b"")
    assert reason(tmp_path / "a.png", data)
