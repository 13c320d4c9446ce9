"""Printed and shown labels: payload, QR matrix, SVG, PNG, PDF sheets. Nothing here reads files."""

from trace.core.labels.errors import LabelError, TextDoesNotFit
from trace.core.labels.images import matrix_png, matrix_svg, qr_png, qr_svg
from trace.core.labels.layouts import LAYOUTS, SheetLayout, custom_layout
from trace.core.labels.linear import gs1_128
from trace.core.labels.matrix import Engine, Level, Matrix, qr_matrix
from trace.core.labels.payload import label_payload, short_domain
from trace.core.labels.rasters import label_images, label_png, write_tspl, write_zpl
from trace.core.labels.sheets import Label, SheetFonts, SheetWriter, label_sheet_pdf

__all__ = [
    "LAYOUTS",
    "Engine",
    "Label",
    "LabelError",
    "Level",
    "Matrix",
    "SheetFonts",
    "SheetLayout",
    "SheetWriter",
    "TextDoesNotFit",
    "custom_layout",
    "gs1_128",
    "label_images",
    "label_payload",
    "label_png",
    "label_sheet_pdf",
    "matrix_png",
    "matrix_svg",
    "qr_matrix",
    "qr_png",
    "qr_svg",
    "short_domain",
    "write_tspl",
    "write_zpl",
]
