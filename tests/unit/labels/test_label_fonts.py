"""Where the label font comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from trace.services import fonts


def test_the_package_s_font_comes_first_and_is_read_whole() -> None:
    regular, bold = fonts.find_font()
    assert regular.name == "Roboto-Regular.ttf"
    assert fonts.sheet_fonts().regular == regular.read_bytes()
    assert fonts.sheet_fonts().bold == bold.read_bytes()


def test_without_the_package_the_system_s_font_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "find_spec", lambda _: None)
    for name in ("A.ttf", "B.ttf"):
        (tmp_path / name).write_bytes(b"font")
    monkeypatch.setattr(
        fonts, "_SYSTEM", (("/nowhere", "A.ttf", "B.ttf"), (str(tmp_path), "A.ttf", "B.ttf"))
    )
    assert fonts.find_font() == (tmp_path / "A.ttf", tmp_path / "B.ttf")


def test_without_any_font_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "find_spec", lambda _: None)
    monkeypatch.setattr(fonts, "_SYSTEM", (("/nowhere", "A.ttf", "B.ttf"),))
    with pytest.raises(fonts.NoFont) as refused:
        fonts.find_font()
    assert "font-roboto" in refused.value.detail
