"""Promise: a PDF sheet costs at most 4 times what encoding its codes alone costs, and a sheet's
encoder is at least 10 times faster than the one that draws on the screen. CPU time a label."""

from __future__ import annotations

from io import BytesIO

from benchmarks import Figure, absolute, compare, cpu_seconds, faster
from trace.core.labels import LAYOUTS, Label, label_payload, label_sheet_pdf, qr_matrix
from trace.services.fonts import sheet_fonts

COUNT = 1_000
SLOW = 25  # codes of the slow encoder: it needs about 10 ms for each

LABELS = [
    Label(
        f"https://id.example.vn/01/08936012345674/10/L2611-7/21/7K3QM2XV4012{number:04}",
        f"7K3Q-M2XV-4012-{number:04}",
        "Rau cải ngọt Đan Phượng – mớ 500 g",
        "id.example.vn",
        "Lô L2611-7",
        "0,5 kg",
        ("Thu hoạch 22/11/2026", "HSD 25/11/2026"),
    )
    for number in range(COUNT)
]


def _sheet() -> int:
    out = BytesIO()
    label_sheet_pdf(LABELS, LAYOUTS["4x10"], out, sheet_fonts())
    return len(out.getvalue())


def _encode() -> None:
    for label in LABELS:
        qr_matrix(label_payload(label.uri), engine="zxing")


def _encode_slowly() -> None:
    for label in LABELS[:SLOW]:
        qr_matrix(label_payload(label.uri), engine="qrcode")


def run() -> list[Figure]:
    """1,000 labels on A4, the same codes encoded alone, a few by the pure-Python encoder."""
    size = _sheet()
    sheet, encode, slow = cpu_seconds(_sheet, _encode, _encode_slowly, rounds=3)
    each, floor, screen = sheet / COUNT * 1e3, encode / COUNT * 1e3, slow / SLOW * 1e3
    return [
        compare("label sheet, a label", each, "ms", floor, "<=", 4),
        faster("QR matrix, zxing against qrcode", floor, "ms", screen, 10),
        absolute("label sheet, bytes a label", size / COUNT, "B", "<=", 1500),
    ]
