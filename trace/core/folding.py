"""Text made comparable: as people type when they look for something."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Lower case, no diacritics, words parted by single spaces: "Đan Phượng" -> "dan phuong"."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    kept = "".join(char if char.isalnum() else " " for char in plain if not _is_mark(char))
    return " ".join(kept.split())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"
