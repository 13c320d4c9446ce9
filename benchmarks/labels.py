"""Promise: 10,000 labels with a serial each are a PDF in at most 15 s, at most 2.5 times what
encoding their codes alone costs, in at most 200 MB, the first page within a second; and a sheet's
encoder is at least 10 times faster than the one that draws on the screen.

Time and memory of the 10,000 are those of a process of its own, as a worker has: CPU seconds of one
core."""

from __future__ import annotations

import multiprocessing
import re
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks import Figure, absolute, compare, cpu_seconds, faster
from trace.core.labels import LAYOUTS, Label, label_payload, label_sheet_pdf, qr_matrix
from trace.services.fonts import sheet_fonts

COUNT = 1_000
MANY = 10_000
SLOW = 25  # codes of the slow encoder: it needs about 10 ms for each


def label(number: int) -> Label:
    """Label number so-and-so of a lot, with a serial of its own."""
    return Label(
        f"https://id.example.vn/01/08936012345674/21/7K3QM2XV401{number:05}",
        f"7K3Q-M2XV-401{number // 10000}-{number % 10000:04}",
        "Rau cải ngọt Đan Phượng – mớ 500 g",
        "id.example.vn",
        "Lô L2611-7",
        "0,5 kg",
        ("Thu hoạch 22/11/2026", "HSD 25/11/2026"),
    )


LABELS = [label(number) for number in range(COUNT)]


def _sheet() -> int:
    out = BytesIO()
    label_sheet_pdf(LABELS, LAYOUTS["4x10"], out, sheet_fonts())
    return len(out.getvalue())


def _encode() -> None:
    for one in LABELS:
        qr_matrix(label_payload(one.uri, own_letters=True), engine="zxing")


def _encode_slowly() -> None:
    for one in LABELS[:SLOW]:
        qr_matrix(label_payload(one.uri, own_letters=True), engine="qrcode")


def _many(path: str, told: multiprocessing.Queue[tuple[float, ...]]) -> None:
    """CPU seconds until the first page is a file (fonts are read for it), of the sheet, of its
    codes alone, and the peak of memory in MB. A worker does the same, in this order."""
    layout = LAYOUTS["4x10"]
    start = process_time()
    with Path(f"{path}-1.pdf").open("wb") as out:
        label_sheet_pdf(map(label, range(layout.per_page)), layout, out, sheet_fonts())
    first = process_time() - start
    start = process_time()
    with Path(f"{path}.pdf").open("wb") as out:
        label_sheet_pdf(map(label, range(MANY)), layout, out, sheet_fonts())
    drawn = process_time() - start
    peak = _peak()
    start = process_time()
    for number in range(MANY):
        qr_matrix(label_payload(label(number).uri, own_letters=True), engine="zxing")
    told.put((first, drawn, process_time() - start, peak))


def _peak() -> float:
    """The most memory of this process so far, in MB: of this program alone, where `getrusage` also
    remembers the larger one it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024


def _in_a_process() -> tuple[float, ...]:
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[tuple[float, ...]] = context.Queue()
    with TemporaryDirectory() as folder:
        process = context.Process(target=_many, args=(f"{folder}/many", told))
        process.start()
        found = told.get(timeout=120)
        process.join()
    return found


def run() -> list[Figure]:
    """10,000 on A4, the same codes alone, a first page, a few codes by the pure-Python encoder."""
    first, drawn, alone, peak = _in_a_process()
    size = _sheet()
    encode, slow = cpu_seconds(_encode, _encode_slowly, rounds=3)
    floor, screen = encode / COUNT * 1e3, slow / SLOW * 1e3
    return [
        absolute("10,000 labels as a PDF", drawn, "s", "<=", 15),
        compare("10,000 labels, a label", drawn / MANY * 1e3, "ms", alone / MANY * 1e3, "<=", 2.5),
        absolute("10,000 labels, peak of memory", peak, "MB", "<=", 200),
        absolute("10,000 labels, the first page", first * 1e3, "ms", "<=", 1000),
        faster("QR matrix, zxing against qrcode", floor, "ms", screen, 10),
        absolute("label sheet, bytes a label", size / COUNT, "B", "<=", 1500),
    ]
