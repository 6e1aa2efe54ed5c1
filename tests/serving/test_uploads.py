"""What is sent: bounded, checked before it is decoded, and never on the disk."""

import io
import re
import socket
import tempfile
import zlib

import numpy as np
import pytest
import requests
from PIL import Image

from edgeconnect_jax.images import files as images
from edgeconnect_jax.serving import pictures
from tests.serving.negative.page import PAGE
from tests.serving.services import SETTINGS, array_of, example, png, running, until

IMAGE, HOLE, FORM = example()
LARGEST = SETTINGS.max_bytes(PAGE.bytes_per_pixel)


def bomb(width: int, height: int) -> bytes:
    """A PNG file whose head tells a size, and that has no pixels."""
    small = bytearray(png(np.zeros((1, 1), np.uint8)))
    small[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    head = bytes(small[12:29])
    return bytes(small[:12]) + head + zlib.crc32(head).to_bytes(4, "big") + bytes(small[33:])


def gif_of_two() -> bytes:
    frames = [Image.fromarray(np.full((32, 40), value, np.uint8)) for value in (0, 255)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("status", "says", "changed"),
    [
        (415, "image: not a picture", {"image": b"%PDF-1.7"}),
        (415, "image: not a picture", {"image": b""}),
        (415, "mask: not a picture", {"mask": b"<svg/>"}),
        (400, "image: not a picture", {"image": FORM["image"][:400]}),
        (400, "mask: holds 2 pictures", {"mask": gif_of_two()}),
        (400, "mask: 32 x 40 pixels, the picture has 40 x 32", {"mask": png(np.zeros((40, 32), np.uint8))}),
        (400, "mask: .*transparent", {"mask": png(np.zeros((32, 40, 2), np.uint8))}),
        (413, "image: more than 4096 pixels", {"image": png(np.zeros((64, 65), np.uint8))}),
        (413, "image: more than 4096 pixels", {"image": bomb(50_000, 50_000)}),
        (413, "image: more than 4096 pixels", {"image": bomb(10_000, 10_000)}),
        (413, "mask: more than 4096 pixels", {"mask": bomb(2**31 - 1, 1)}),
        (413, f"form: larger than {LARGEST} bytes", {"image": bytes(LARGEST)}),
        (422, "mask: missing", {"mask": None}),
    ],
)
def test_pictures_that_are_refused(service, status, says, changed):
    answer = service.post("/api/negative", **{**FORM, **changed})
    assert answer.status_code == status
    (detail,) = answer.json().values()
    assert re.match(says, detail), detail


@pytest.mark.parametrize(
    ("says", "data"),
    [
        ("strength: Input should be a valid number", {"strength": "wide"}),
        ("strength: .* less than or equal to 1", {"strength": "1.5"}),
        ("strength: .* finite", {"strength": "nan"}),
        ("quality: not a field of this form", {"quality": "9"}),
        ("strength: given more than once", {"strength": ["1", "2"]}),
        ("mask: given more than once", {"mask": "again"}),
        ("form: Part exceeded maximum size", {"strength": "1" * 10_000}),
        ("form: Too many fields", {f"f{i}": "1" for i in range(20)}),
    ],
)
def test_fields_that_are_refused(service, says, data):
    answer = service.post("/api/negative", data, **FORM)
    assert answer.status_code in (400, 422) and re.match(says, answer.json()["detail"]), answer.text


def test_other_forms(service):
    answer = service.post("/api/negative", {"image": "text"}, mask=FORM["mask"])
    assert (answer.status_code, answer.json()["detail"]) == (422, "image: must be sent as a file")
    for content in ("application/json", "application/x-www-form-urlencoded", "", "multipart/mixed; boundary=x"):
        answer = requests.post(service.url + "/api/negative", data=b"{}", headers={"Content-Type": content}, timeout=60)
        assert answer.status_code == 415
    for content in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = requests.post(
            service.url + "/api/negative", data=b"--y\r\n", headers={"Content-Type": content}, timeout=60
        )
        assert answer.status_code == 400


def test_many_files_are_refused(service):
    files = [("image", ("x", b"x")) for _ in range(50)]
    answer = requests.post(service.url + "/api/negative", files=files, timeout=60)
    assert answer.status_code == 400 and "Too many files" in answer.json()["detail"]


def test_a_part_with_an_endless_head_is_refused(service):
    for head in (b"X: " + bytes(10**5), b"X: y\r\n" * 10**4):
        body = b'--x\r\nContent-Disposition: form-data; name="image"\r\n' + head + b"\r\n\r\ny\r\n--x--\r\n"
        content = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = requests.post(service.url + "/api/negative", data=body, headers=content, timeout=60)
        assert (answer.status_code, answer.json()["detail"]) == (400, "form: Invalid multipart data.")


def test_a_body_of_unknown_length_is_bounded_while_it_arrives(service):
    sent = []

    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(40):
            sent.append(2**16)
            yield bytes(2**16)
        yield b"\r\n--x--\r\n"

    head = {"Content-Type": "multipart/form-data; boundary=x"}
    assert LARGEST < 40 * 2**16
    answer = requests.post(service.url + "/api/negative", data=pieces(), headers=head, timeout=60)
    assert answer.status_code == 413 and str(LARGEST) in answer.json()["detail"]


def test_nothing_is_decoded_that_is_too_large_or_no_picture(service, monkeypatch):
    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(pictures.files, "read_picture", decode)
    for data in (bomb(50_000, 50_000), png(np.zeros((64, 65), np.uint8)), b"GIF"):
        assert service.post("/api/negative", **FORM | {"image": data}).status_code in (413, 415)


def test_a_large_upload_stays_in_memory(pages, monkeypatch):
    """Starlette writes files of over 1 MiB to a temporary file unless it is told otherwise."""
    rolled = []
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda self: rolled.append(self))
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    whole, mask = png(noise), png(np.zeros((700, 700), np.uint8))
    assert len(whole) > 2**20
    with running(pages, SETTINGS._replace(max_pixels=700 * 700)) as service:
        answer = service.post("/api/negative", image=whole, mask=mask)
    assert answer.status_code == 200 and not rolled
    np.testing.assert_array_equal(array_of(answer.content), noise)


def test_a_client_that_asks_before_it_sends_is_refused_before_it_does(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as asking:
        asking.sendall(
            b"POST /api/negative HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        assert asking.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_client_that_sends_too_slowly_loses_its_place(pages):
    with running(pages, SETTINGS._replace(upload_seconds=0.2)) as service:
        with socket.create_connection(("127.0.0.1", service.port)) as slow:
            slow.sendall(
                b"POST /api/negative HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            )
            answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408") and service.device.taken == 0


def test_a_client_that_hangs_up_while_it_sends_loses_its_place(service):
    device = service.device
    with socket.create_connection(("127.0.0.1", service.port)) as caller:
        caller.sendall(
            b"POST /api/negative HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        until(lambda: device.taken == 1)
    until(lambda: device.taken == 0)


def test_gray_bitmaps_and_palettes_are_masks_too(service):
    bitmap, expected = io.BytesIO(), service.post("/api/negative", **FORM).content
    Image.fromarray(HOLE).save(bitmap, "PNG")
    assert service.post("/api/negative", **FORM | {"mask": bitmap.getvalue()}).content == expected
    color = png(np.repeat(HOLE[..., None] * np.uint8(255), 3, -1))
    assert service.post("/api/negative", **FORM | {"mask": color}).content == expected
    assert array_of(expected).shape == IMAGE.shape
    assert images.picture_size(FORM["image"]) == HOLE.shape
