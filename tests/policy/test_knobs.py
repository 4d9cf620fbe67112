"""The table of knobs: complete, and in step with the records."""

from __future__ import annotations

import dataclasses

import pytest

from timonier.kit.keys import _READERS
from timonier.policy import Backfill, Cycle, Estimate, Limits, Order, Queue, known_knobs

KNOBS = [key for section in known_knobs().values() for key in section.values()]
RECORDS = {
    "cycle": Cycle(),
    "order": Order(),
    "estimate": Estimate(),
    "queue": Queue("x"),
    "queue.limits": Limits(),
    "backfill": Backfill(),
}


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: f"{knob.section}.{knob.name}")
def test_every_knob_says_what_it_means_and_whence_it_comes(knob):
    assert knob.meaning
    assert knob.source
    assert knob.status in ("now", "later")
    assert knob.kind in {*_READERS, "table", "tables"}
    if knob.kind in ("word", "words") and knob.status == "now":
        assert knob.allowed
    if knob.kind == "seconds":
        assert knob.unit == "s"


@pytest.mark.parametrize("section", RECORDS)
def test_knobs_and_records_have_the_same_names(section):
    fields = {field.name.removesuffix("_s") for field in dataclasses.fields(RECORDS[section])}
    assert {key.name for key in known_knobs()[section].values() if key.status == "now"} == fields


@pytest.mark.parametrize("section", ["cycle", "order", "estimate", "backfill"])
def test_the_documented_default_is_the_record_s_default(section):
    for key in known_knobs()[section].values():
        if key.status == "later":
            continue
        name = key.name if hasattr(RECORDS[section], key.name) else f"{key.name}_s"
        value = getattr(RECORDS[section], name)
        said = "|".join(value) if isinstance(value, tuple) else value
        assert key.default == {None: "exact" if key.name == "missing" else ""}.get(said, said)
