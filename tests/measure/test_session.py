"""A session keeps what it has, whatever ends it."""

from __future__ import annotations

import pytest

from timonier.kit.errors import InputError, MachineFailure
from timonier.measure import Asked, Wanted, read_store, run_session, session
from timonier.measure.measurement import Measurement, Sample
from timonier.measure.store import write_store

TRIAD = Measurement(
    "stream.triad", "stream", "all cores", "B/s", "measured", 1e9, samples=(Sample(1e9, 1.0, 0.5, 0.0, 0.0),)
)
UPDATES = Measurement(
    "gups.updates",
    "gups",
    "one core",
    "update/s",
    "measured",
    1e7,
    samples=(Sample(1e7, 1.0, 0.5, 0.0, 0.0),),
)


def quiet(_name):
    return lambda _done, _total, _what: None


@pytest.fixture
def played(monkeypatch):
    """Benchmarks that give what is put here, and then raise it if it is an error; what they were given as budget."""
    script, budgets = {}, {}

    def measure(name, _wanted, budget_s, _here, _backend, _listen):
        budgets[name] = budget_s
        for step in script[name]:
            if isinstance(step, BaseException):
                raise step
            yield [step]

    monkeypatch.setattr(session, "measure", measure)
    return script, budgets


def asked(*names, budget_s=30.0):
    return Asked({name: Wanted() for name in names}, budget_s)


def test_one_that_fails_among_many_is_blank_with_the_reason_and_the_line_to_install_it(played, tmp_path):
    script, _ = played
    script |= {"stream": [InputError("no such thing", fix="apt-get install thing")], "gups": [UPDATES]}
    done = run_session(asked("stream", "gups"), tmp_path / "s", quiet, lambda _: {"report.html": "page"})
    assert list(done.failed) == ["stream"]
    found = {one.name: one for one in read_store(tmp_path / "s")}
    assert found["gups.updates"].value == 1e7
    assert {name for name in found if name.startswith("stream.")} == {
        f"stream.{loop}" for loop in ("copy", "scale", "add", "triad")
    }
    blank = found["stream.copy"]
    assert (blank.value, blank.state) == (None, "skipped")
    assert blank.reason == "no such thing (apt-get install thing)"
    assert (tmp_path / "s" / "report.html").read_text() == "page"


def test_what_came_before_a_failure_is_measured_and_only_the_rest_is_blank(played, tmp_path):
    script, _ = played
    script |= {"stream": [TRIAD, MachineFailure("broken")], "gups": [UPDATES]}
    run_session(asked("stream", "gups"), tmp_path / "s", quiet)
    states = {one.name: one.state for one in read_store(tmp_path / "s")}
    assert states["stream.triad"] == "measured"
    assert states["stream.copy"] == "skipped"


@pytest.mark.parametrize("error", [MachineFailure("broken"), KeyboardInterrupt()], ids=["failure", "Ctrl-C"])
def test_one_alone_that_is_cut_short_leaves_what_it_gave_beside_what_was_there(error, played, tmp_path):
    script, _ = played
    write_store(tmp_path / "s", [UPDATES])
    script["stream"] = [TRIAD, error]
    with pytest.raises(type(error)):
        run_session(asked("stream"), tmp_path / "s", quiet)
    assert [one.name for one in read_store(tmp_path / "s")] == ["gups.updates", "stream.triad"]


def test_a_store_that_was_made_for_nothing_is_taken_away(played, tmp_path):
    script, _ = played
    script["stream"] = [InputError("no")]
    with pytest.raises(InputError):
        run_session(asked("stream"), tmp_path / "s", quiet)
    assert list(tmp_path.iterdir()) == []


def test_the_budget_is_shared_out_whole(played, tmp_path):
    script, budgets = played
    script |= {"stream": [TRIAD], "gups": [UPDATES]}
    run_session(asked("stream", "gups"), tmp_path / "s", quiet)
    assert budgets == {"stream": 20.0, "gups": 10.0}


@pytest.mark.parametrize("content", ["manifest.toml", "precious.txt"])
def test_a_folder_of_something_else_is_refused_before_the_work(content, played, tmp_path):
    """Also one that timonier wrote: the results of `compare` have a manifest as well."""
    script, budgets = played
    script["stream"] = [TRIAD]
    (tmp_path / content).write_text('schema = "timonier/comparison/1"')
    with pytest.raises(InputError, match="holds no measurements"):
        run_session(asked("stream"), tmp_path, quiet)
    assert budgets == {}
    assert [path.name for path in tmp_path.iterdir()] == [content]


def test_a_file_is_no_store(played, tmp_path):
    played[0]["stream"] = [TRIAD]
    (tmp_path / "x").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        run_session(asked("stream"), tmp_path / "x", quiet)
