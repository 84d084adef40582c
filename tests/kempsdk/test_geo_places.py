"""GEO: locations of one's own, and ranges of clients."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_locations(lm: LoadMaster) -> None:
    assert lm.geo_locations.list() == ()
    lm.geo_locations.create("office")
    assert lm.geo_locations.list() == ("office",)
    lm.geo_locations.create("plant")
    with pytest.raises(CommandRejected):
        lm.geo_locations.create("plant")
    lm.geo_locations.rename("office", "tower")
    assert lm.geo_locations.list() == ("tower", "plant")
    lm.geo_locations.delete("plant")
    for call in (lm.geo_locations.delete, lambda name: lm.geo_locations.rename(name, "x")):
        with pytest.raises(NotFound):
            call("plant")


def test_ranges(lm: LoadMaster) -> None:
    assert lm.geo_ranges.list() == ()
    made = lm.geo_ranges.create("10.1.0.0/16")
    assert (made.network, made.country, made.latitude_s) == ("10.1.0.0/16", None, None)
    assert lm.geo_ranges.put_in_country("10.1.0.0/16", "DE").country == "DE"
    lm.geo_locations.create("office")
    now = lm.geo_ranges.put_in_location("10.1.0.0/16", "office")
    assert (now.country, now.location) == (None, "office")
    now = lm.geo_ranges.move("10.1.0.0/16", latitude_s=3600, longitude_s=-60)
    assert (now.latitude_s, now.longitude_s) == (3600, -60)
    assert lm.geo_ranges.put_nowhere("10.1.0.0/16").location is None
    lm.geo_ranges.create("192.0.2.7")
    lm.geo_ranges.delete("10.1.0.0/16")
    assert [one.network for one in lm.geo_ranges.list()] == ["192.0.2.7/32"]
    for call in (lm.geo_ranges.get, lm.geo_ranges.delete, lm.geo_ranges.put_nowhere):
        with pytest.raises(NotFound):
            call("10.1.0.0/16")


def test_a_site_for_a_location(lm: LoadMaster) -> None:
    lm.geo_locations.create("office")
    lm.geo_fqdns.create("www.example")
    lm.geo_fqdns.add_site("www.example", "10.8.0.1")
    assert lm.geo_fqdns.serve_location("www.example", "10.8.0.1", "office").locations == ("office",)
    assert lm.geo_fqdns.leave_location("www.example", "10.8.0.1", "office").locations == ()


def test_the_switch(lm: LoadMaster) -> None:
    assert lm.geo_fqdns.enabled()
    assert not lm.geo_fqdns.switch(enabled=False)
    assert not lm.geo_fqdns.enabled()
    assert lm.geo_fqdns.switch(enabled=True)


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for network in ("here", "10.0.0.1/8", "10.0.0.0/7"):
        with pytest.raises(InvalidRequest):
            lm.geo_ranges.create(network)
    with pytest.raises(InvalidRequest):
        lm.geo_ranges.put_in_country("10.0.0.0/8", "de")
    with pytest.raises(InvalidRequest):
        lm.geo_ranges.move("10.0.0.0/8", latitude_s=0, longitude_s=648_001)
    for name in ("", " x"):
        with pytest.raises(InvalidRequest):
            lm.geo_locations.create(name)
    assert transport.calls == []


def test_odd_answers() -> None:
    row = {"IPAddress": "10.1.0.0", "Mask": 16, "Country": "FR", "IsCustom": False}
    lm, _ = scripted(
        listips=[{"IPAddress": [row]}],
        addip=[DONE],
        delip=[DONE],
        addipcountry=[DONE],
        modiploc=[DONE],
        listcustomlocation=[{"location": [{"Name": "a"}]}],
        addcustomlocation=[DONE],
        editcustomlocation=[DONE],
        deletecustomlocation=[DONE],
        isgeoenabled=[{"IsEnabled": True}],
        disablegeo=[DONE],
    )
    with pytest.raises(WriteNotApplied):
        lm.geo_ranges.create("10.2.0.0/16")
    with pytest.raises(WriteNotApplied, match="asked 'DE', got 'FR'"):
        lm.geo_ranges.put_in_country("10.1.0.0/16", "DE")
    with pytest.raises(WriteNotApplied):
        lm.geo_ranges.move("10.1.0.0/16", latitude_s=1, longitude_s=1)
    with pytest.raises(WriteNotApplied):
        lm.geo_ranges.delete("10.1.0.0/16")
    with pytest.raises(WriteNotApplied):
        lm.geo_locations.create("b")
    with pytest.raises(WriteNotApplied):
        lm.geo_locations.rename("a", "b")
    with pytest.raises(WriteNotApplied):
        lm.geo_locations.delete("a")
    with pytest.raises(WriteNotApplied):
        lm.geo_fqdns.switch(enabled=False)
    lm, _ = scripted(
        listips=[{"IPAddress": [{"Mask": 16}]}], listcustomlocation=[{"places": ["x"]}]
    )
    with pytest.raises(BadAnswer):
        lm.geo_ranges.list()
    with pytest.raises(BadAnswer):
        lm.geo_locations.list()


def test_the_place_of_a_range_is_forgotten(lm: LoadMaster) -> None:
    lm.geo_ranges.create("10.1.0.0/16")
    lm.geo_ranges.move("10.1.0.0/16", latitude_s=3600, longitude_s=7200)
    now = lm.geo_ranges.forget_place("10.1.0.0/16")
    assert (now.latitude_s, now.longitude_s) == (None, None)
    row = {"IPAddress": "10.1.0.0", "Mask": 16, "Latitude": 1, "Longitude": 1}
    scripted_lm, _ = scripted(listips=[{"IPAddress": [row]}], deliploc=[DONE])
    with pytest.raises(WriteNotApplied):
        scripted_lm.geo_ranges.forget_place("10.1.0.0/16")
