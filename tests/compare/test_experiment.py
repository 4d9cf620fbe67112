"""One run that cannot be made: the others are made and kept, and the message says which one it was."""

from __future__ import annotations

import pytest

from timonier.compare import experiment as module
from timonier.compare.experiment import Cell, Experiment, run_experiment
from timonier.compare.resample import Resample
from timonier.describe import read_machine
from timonier.kit.errors import InputError
from timonier.policy import read_profile
from timonier.workload.make.workload import make_workload


class Shelf(dict):
    """Cells in memory, as the results folder keeps them on disk."""

    def find(self, *key):
        return self.get(key)

    def keep(self, profile, repeat, cell, _table):
        self[profile, repeat] = cell


def quiet(*_):
    """No progress, no talk."""


def test_a_profile_that_fails_for_one_repeat_loses_no_other_run(monkeypatch):
    loads = [make_workload("lab", 300, seed=seed, processors=16, load=0.8) for seed in range(3)]
    profiles = {name: read_profile(name) for name in ("fcfs", "easy")}
    asked = Experiment(profiles, read_machine("16"), lambda repeat: Resample(loads[repeat], 0), 3)
    honest = module.simulate

    def failing(jobs, machine, profile, **more):
        if profile.name == "easy" and jobs is loads[1]:
            raise InputError("it cannot be", where="job 7", fix="mend it")
        return honest(jobs, machine, profile, **more)

    shelf = Shelf()
    monkeypatch.setattr(module, "simulate", failing)
    with pytest.raises(InputError, match="it cannot be") as told:
        run_experiment(asked, shelf, 2, quiet, quiet)
    assert told.value.where == "profile easy, repeat 1; job 7"
    assert set(shelf) == {(name, repeat) for name in profiles for repeat in range(3)} - {("easy", 1)}
    monkeypatch.setattr(module, "simulate", honest)
    cells, computed = run_experiment(asked, shelf, 2, quiet, quiet)
    assert computed == 1
    assert len(cells) == 6


def test_a_finished_run_that_says_too_little_of_the_nodes_is_computed_again():
    """A folder of an older version goes on: what the report needs and the run does not say is made anew."""
    content = {"scores": {}, "offered_load": 0.9, "waited_share": 0.5, "longest_queue": 3}
    assert Cell.of(content | {"nodes": {"full": {}, "held": {}}}).nodes == {"full": {}, "held": {}}
    with pytest.raises(ValueError, match="less was said of the nodes"):
        Cell.of(content | {"nodes": {"map": {}}})
