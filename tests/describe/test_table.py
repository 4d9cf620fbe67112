"""A machine as people see it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from timonier.describe import machine_table, parse_machine, read_machine

LAB = Path(__file__).with_name("school-lab.toml")


def timonier(*arguments):
    program = [sys.executable, "-c", "from timonier.cli import main; main()", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_one_row_is_the_total():
    total = next(row for row in machine_table(read_machine(LAB)) if row["kind"] == "total")
    assert (total["kind"], total["count"], total["cores"], total["gpus"]) == ("total", 6, 296, "24")
    assert total["memory_bytes"] == (4 * 512 + 2 * 128) * 2**30


def test_describe_prints_the_machine():
    done = timonier("describe", LAB)
    assert done.returncode == 0
    assert "gpu[01-04]" in done.stdout
    assert "3 gtx-1080-ti + 1 titan-x (fraction)" in done.stdout
    assert done.stderr == ""


def test_the_watts_that_count_are_shown_with_their_source_and_the_prices():
    rows = {(row["kind"], row["name"]): row for row in machine_table(read_machine("school-lab"))}
    hopper, gpu, prices = rows["power", "hopper01"], rows["power", "h100-80gb"], rows["prices", "CHF"]
    assert (hopper["idle_w"], hopper["busy_w"], hopper["price"]) == (186, 560, 160_000)
    assert hopper["watts_from"] == "catalogue, 2 x epyc-9354"
    assert (gpu["idle_w"], gpu["busy_w"], gpu["watts_from"], gpu["nodes"]) == (
        70,
        700,
        "catalogue",
        "hopper01",
    )
    assert (prices["per_kwh"], prices["lifetime_s"]) == (0.27, 1826 * 86400)


def test_watts_of_the_file_go_before_the_catalogue_and_unknown_ones_are_blank():
    gpus = [{"type": "a100-40gb", "idle_power": 60}, {"type": "g9"}]
    text = {"schema": "timonier/machine/1", "node": [{"names": "a", "busy_power": 90, "gpus": gpus}]}
    rows = {row["name"]: row for row in machine_table(parse_machine(text)) if row["kind"] == "power"}
    assert rows["a100-40gb"]["watts_from"] == "idle: file; busy: catalogue"
    assert rows["a100-40gb"]["idle_w"] == 60
    assert (rows["g9"]["idle_w"], rows["g9"]["watts_from"]) == (None, "not known")
    assert (rows["a"]["idle_w"], rows["a"]["busy_w"]) == (None, 90)
    assert rows["a"]["watts_from"] == "idle: not known; busy: file"


def test_describe_prints_watts_and_prices():
    done = timonier("describe", "school-lab")
    assert "catalogue, 2 x epyc-9354" in done.stdout
    assert "idle W  busy W" in done.stdout
    assert "160,000" in done.stdout
    assert "1,826 days" in done.stdout


def test_equal_nodes_of_several_groups_share_a_row_of_power():
    rows = [row for row in machine_table(read_machine("openb")) if row["kind"] == "power" and row["count"]]
    assert [(row["name"], row["count"]) for row in rows] == [("openb[0000-1522]", 1523)]


def test_describe_ships_lists_what_ships():
    done = timonier("describe", "ships")
    assert done.returncode == 0
    assert "school-lab" in done.stdout
    assert "openb" in done.stdout


def test_a_shipped_file_is_printed_to_be_edited_and_reads_back(tmp_path):
    done = timonier("describe", "school-lab", "--toml")
    path = tmp_path / "my-lab.toml"
    path.write_text(done.stdout)
    assert "# Make it yours in ten minutes" in done.stdout
    again = timonier("describe", path)
    assert again.returncode == 0
    assert "desk01" in again.stdout


def test_a_generated_machine_is_printed_as_a_file_that_reads_back():
    done = timonier("describe", "openb", "--toml")
    assert parse_machine(tomllib.loads(done.stdout)).total_gpus == 6212


def test_describe_of_a_count_has_no_reservations():
    done = timonier("describe", "338")
    assert done.returncode == 0
    assert "338" in done.stdout
    assert done.stderr == ""


def test_a_wrong_file_exits_with_2_and_no_traceback(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('schema = "timonier/machine/1"\nprocesors = 3\n')
    done = timonier("describe", path)
    assert done.returncode == 2
    assert "did you mean 'processors'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
