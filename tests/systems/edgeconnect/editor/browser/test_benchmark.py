"""The benchmark of the page."""

from benchmarks import editor_page


def test_it_times_both_clicks(page, url, photograph):
    found = editor_page.measure(page, url, photograph, rounds=1)
    assert set(found) == {"predict", "fill"}
    for ((seconds, networks),) in found.values():
        assert 0 < networks < seconds
