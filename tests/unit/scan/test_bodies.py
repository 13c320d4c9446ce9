"""What a process keeps of pages: one body of each, the last one made, within its bytes."""

from __future__ import annotations

from trace.web.scan.bodies import Bodies


def test_the_next_version_of_a_page_takes_the_place_of_the_one_before() -> None:
    kept = Bodies()
    for version in range(50):
        kept.put(("page", version), b"<p>%d</p>" % version, page="page")
        kept.put(("other", 0), b"<p>other</p>", page="other")
    assert kept.get(("page", 48)) is None
    newest = kept.get(("page", 49))
    assert newest is not None
    assert newest.html == b"<p>49</p>"
    assert len(kept.newest(1000)) == 2
    other = kept.get(("other", 0))
    assert other is not None
    assert kept._bytes == newest.size + other.size


def test_beyond_its_bytes_the_least_recently_used_go_and_may_come_again() -> None:
    one = Bodies().put("a", b"a", page="a").size
    kept = Bodies(limit=3 * one)
    for name in "abc":
        kept.put(name, name.encode(), page=name)
    assert kept.get("a") is not None
    kept.put("d", b"d", page="d")
    assert kept.get("b") is None
    assert kept.newest(10) == ["d", "a", "c"]
    kept.put("b", b"b", page="b")
    assert kept.newest(10) == ["b", "d", "a"]
    kept.clear()
    assert (kept.newest(10), kept._bytes) == ([], 0)
    assert kept.put("a", b"a", page="a") is kept.get("a")
