"""Pictures that carry more than a picture, or cost more than one."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from trace.services.attachments import WHOLE_LIMIT, PhotoTooLarge, read_photo

ROOT = Path(__file__).parents[3]
GPS, MAKER = 0x8825, 0x010F
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">21.0285,105.8542</x:xmpmeta>'


def with_position(form: str) -> bytes:
    """A picture that says in every way its format has where and by whom it was taken."""
    exif = Image.Exif()
    exif[MAKER] = "Camera Demo"
    exif.get_ifd(GPS).update({1: "N", 2: (21.0, 1.0, 42.6), 3: "E", 4: (105.0, 51.0, 15.1)})
    options: dict[str, object] = {"exif": exif}
    if form == "PNG":
        told = PngInfo()
        told.add_text("Author", "Camera Demo")
        told.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = told
    else:
        options["xmp"] = XMP
    if form == "JPEG":
        options["comment"] = b"Camera Demo"
    file = io.BytesIO()
    Image.new("RGB", (400, 300), (30, 120, 60)).save(file, form, **options)
    return file.getvalue() + b"PK\x03\x04 a file behind the picture: Camera Demo"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_where_and_by_whom_a_photo_was_taken_is_in_no_byte_that_is_kept(form: str) -> None:
    sent = with_position(form)
    assert b"Camera Demo" in sent
    photo = read_photo(io.BytesIO(sent))
    for kept in (photo.data, photo.thumbnail):
        for word in (b"Camera Demo", b"Exif", b"xmp", b"105.8542", b"PK\x03\x04", b"http"):
            assert word not in kept
        with Image.open(io.BytesIO(kept)) as image:
            assert image.format == "JPEG"
            assert not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} | {
                "progressive",
                "progression",
            }


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_two_kilobytes_that_hold_fifty_megapixels_are_refused_undecoded(form: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (7_000, 7_000)).save(file, form)
    with pytest.raises(PhotoTooLarge) as refused:
        read_photo(io.BytesIO(file.getvalue()))
    assert refused.value.params["limit"] == WHOLE_LIMIT // 1_000_000


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGBA", "WEBP"),  # the dearest
        *(pytest.param(*two, marks=pytest.mark.long) for two in (("P", "PNG"), ("I;16", "PNG"))),
        ("RGB", "JPEG"),  # what phones send
    ],
)
def test_the_largest_picture_that_is_taken_costs_less_than_half_a_gigabyte(
    tmp_path: Path, mode: str, form: str
) -> None:
    path = tmp_path / "picture"
    Image.new(mode, (4_470, 4_470)).save(path, form)
    program = (
        "import resource, sys; from trace.services.attachments import read_photo\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_photo(open(sys.argv[1], 'rb'))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 500 * 1024  # kilobytes
