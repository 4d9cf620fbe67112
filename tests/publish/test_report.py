"""The report in a real browser, from disk: no request, no error, and the numbers of the tables."""

from __future__ import annotations

import base64
import csv
import json
import shutil
import time

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from tests.cli.command import timonier

from timonier.publish.report import report_html
from timonier.publish.report.nodes_view import nodes_view
from timonier.publish.report.view import loses

PROFILES = "fcfs,sjf,easy,conservative"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
in_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: sh scripts/prepare dev installs them"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    log = folder / "lab.parquet"
    assert (
        timonier("workload", "make", "lab", "--jobs", 2000, "-m", 64, "--load", 0.9, "-o", log).returncode
        == 0
    )
    done = timonier("compare", log, "-m", 64, "-p", PROFILES, "--repeats", 4, "-o", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder / "results"


@pytest.fixture(scope="module")
def page(results):
    return json.loads((results / "report.json").read_text())


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    # no name resolves: whatever the page asked for from outside would fail, and be seen
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,900",
    ):
        options.add_argument(word)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def wait_for(what, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.fixture
def opened(browser, results):
    browser.get((results / "report.html").as_uri())
    wait_for(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "all")
    return browser


def table(browser, name):
    """The cells of a table, row by row."""
    return browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(r => [...r.cells].map(c => c.textContent))",
        name,
    )


def axis_title(browser, plot, axis):
    return browser.execute_script(f"return document.getElementById('{plot}').layout.{axis}.title.text")


@in_browser
def test_it_asks_nothing_of_the_network_and_nothing_fails(opened):
    asked = [
        message["params"]["request"]["url"]
        for entry in opened.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    ]
    assert len([url for url in asked if url.startswith("file:")]) == 1
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    assert opened.get_log("browser") == []


def test_it_is_one_file_of_at_most_8_mb(results):
    assert (results / "report.html").stat().st_size <= 8_000_000


@in_browser
def test_the_front_is_that_of_front_csv(opened, results):
    with (results / "front.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["objectives"] == "bsld_mean+wait_work_weighted_s"]
    shown = table(opened, "front-table")
    assert [row[0] for row in shown] == [row["profile"] for row in rows] == PROFILES.split(",")
    assert [row[1] == "★ yes" for row in shown] == [row["on_front"] == "true" for row in rows]
    answer = opened.find_element(By.CSS_SELECTOR, ".answer").text
    on, _, off = answer.partition("Not on it:")
    for row in rows:
        assert f"{row['profile']} (" in (on if row["on_front"] == "true" else off)


@in_browser
def test_everything_a_reader_asks_for_is_on_the_page(opened, page):
    text = opened.find_element(By.TAG_NAME, "main").text
    assert page["command"] in text.replace("\n", " ")
    for name, worst in page["worst"].items():
        row = next(row for row in table(opened, "worst-table") if row[0] == name)
        assert row[1] == worst["job_id"]
        assert row[7] == worst["why"]
    assert [row[0] for row in table(opened, "full-table")] == page["profiles"]
    assert [row[0] for row in table(opened, "loser-table")] == page["profiles"]
    for fact in page["facts"]:
        assert fact["fact"] in text


@in_browser
def test_hover_names_the_scheduler_and_its_numbers(opened):
    points = opened.find_elements(By.CSS_SELECTOR, "#front-plot .scatterlayer .point")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", points[0])
    ActionChains(opened).move_to_element(points[0]).perform()
    told = wait_for(
        lambda: opened.execute_script("return document.querySelector('#front-plot .hoverlayer')?.textContent")
    )
    assert any(name in told for name in PROFILES.split(","))
    assert "bsld_mean" in told
    assert "% of the draws" in told


@in_browser
def test_switches_change_what_is_drawn(opened):
    Select(opened.find_element(By.ID, "front-x")).select_by_value("makespan_s")
    assert axis_title(opened, "front-plot", "xaxis").startswith("makespan_s")
    before = len(opened.execute_script("return document.getElementById('front-plot').data"))
    opened.find_element(By.ID, "front-repeats").click()
    assert len(opened.execute_script("return document.getElementById('front-plot').data")) == before + 4
    kind = "return document.getElementById('front-plot').layout.xaxis.type"
    first = opened.execute_script(kind)
    opened.find_element(By.ID, "front-log").click()
    assert {first, opened.execute_script(kind)} == {"linear", "log"}

    reference = Select(opened.find_element(By.ID, "paired-reference"))
    reference.select_by_value("fcfs")
    assert [row[0] for row in table(opened, "paired-table")] == ["sjf", "easy", "conservative"]
    Select(opened.find_element(By.ID, "distribution-quantity")).select_by_value("wait_s")
    assert axis_title(opened, "distribution-plot", "xaxis").startswith("wait")


@in_browser
def test_the_paired_table_is_paired_csv_with_the_sign_of_the_reference(opened, page):
    Select(opened.find_element(By.ID, "paired-objective")).select_by_value("bsld_mean")
    Select(opened.find_element(By.ID, "paired-reference")).select_by_value("sjf")
    shown = {row[0]: row for row in table(opened, "paired-table")}
    found = {(row["a"], row["b"]): row for row in page["paired"] if row["objective"] == "bsld_mean"}
    assert float(shown["fcfs"][1].replace(",", "")) == pytest.approx(
        found["fcfs", "sjf"]["median"], rel=1e-3, abs=0.51
    )
    assert float(shown["easy"][1].replace(",", "")) == pytest.approx(
        -found["sjf", "easy"]["median"], rel=1e-3, abs=0.51
    )


@in_browser
def test_light_and_dark_by_keyboard_alone(opened):
    back = "return getComputedStyle(document.body).backgroundColor"
    light = opened.execute_script(back)
    ActionChains(opened).send_keys(Keys.TAB).perform()
    assert opened.switch_to.active_element.text == "Skip to the front"
    ActionChains(opened).send_keys(Keys.TAB).perform()
    assert opened.switch_to.active_element.get_attribute("id") == "theme"
    ActionChains(opened).send_keys(Keys.ENTER).perform()
    dark = opened.execute_script(back)
    assert dark != light
    assert (
        opened.execute_script("return document.getElementById('front-plot').layout.paper_bgcolor")
        == "#12161c"
    )
    ActionChains(opened).send_keys(Keys.ENTER).perform()
    assert opened.execute_script(back) == light


@in_browser
def test_a_narrow_screen_does_not_scroll_sideways(opened):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened.refresh()
        wait_for(lambda: opened.execute_script("return document.documentElement.dataset.ready") == "all")
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@in_browser
def test_it_prints(opened):
    opened.find_element(By.ID, "theme").click()  # dark: paper is white all the same
    printed = """
        const seen = {};
        addEventListener("beforeprint", () => {
          for (const plot of document.querySelectorAll(".plot"))
            seen[plot.id] = [plot.layout.paper_bgcolor, plot.querySelector("svg").getBoundingClientRect().width];
        });
        window.seen = seen;
    """
    opened.execute_script(printed)
    pdf = base64.b64decode(
        opened.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})[
            "data"
        ]
    )
    assert pdf.startswith(b"%PDF")
    seen = opened.execute_script("return window.seen")
    assert len(seen) == 4
    assert {colour for colour, _ in seen.values()} == {"#ffffff"}
    assert max(width for _, width in seen.values()) < 1030  # the 273 mm between the margins, at 96 dpi
    assert opened.execute_script("return document.documentElement.dataset.theme") == "dark"
    assert opened.get_log("browser") == []
    opened.find_element(By.ID, "theme").click()


@in_browser
def test_names_are_names_not_markup(browser, page, tmp_path):
    hostile = "</script><b>x</b>&.swf"
    path = tmp_path / "hostile.html"
    path.write_text(report_html({**page, "workload": hostile}), encoding="utf-8")
    browser.get(path.as_uri())
    wait_for(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "all")
    assert hostile in browser.find_element(By.TAG_NAME, "h1").text


def test_figures_are_svg_and_the_same_bytes_every_time(results, page):
    from timonier.publish.figures import figures

    drawn = figures(page)
    assert sorted(drawn) == ["distributions.svg", "front.svg", "paired.svg", "timeline.svg"]
    for name, svg in drawn.items():
        assert (results / "figures" / name).read_text() == svg
    for name in page["profiles"]:
        assert name in drawn["front.svg"]


def test_who_loses_is_who_has_the_largest_slowdown_and_few_jobs_are_noise():
    losers = {
        "size": [
            {"group": "1", "jobs": 500, "values": {"a": 1.0, "b": 4.0}},
            {"group": "2", "jobs": 500, "values": {"a": 9.0, "b": 1.0}},
            {"group": "4", "jobs": 3, "values": {"a": 99.0, "b": 1.0}},
        ]
    }
    page = {"jobs": 1003, "losers": losers}
    assert loses(page, "a") == ["2 (9, 1.7 times)"]  # of (500 x 1 + 500 x 9 + 3 x 99) / 1003 = 5.28
    assert loses(page, "b") == ["1 (4, 1.6 times)"]


@in_browser
def test_no_button_sends_a_plot_anywhere(opened):
    titles = opened.execute_script(
        "return [...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)"
    )
    assert titles
    assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]


@in_browser
def test_another_pair_of_objectives_says_who_is_on_its_front(opened, page):
    Select(opened.find_element(By.ID, "front-x")).select_by_value("utilisation")
    pair = next(
        front
        for front in page["fronts"]
        if set(front["objectives"]) == {"utilisation", "wait_work_weighted_s"}
    )
    caption = opened.find_element(By.ID, "front-caption").text.split(". ")[0]
    for name, said in pair["profiles"].items():
        assert (f"{name} (" in caption) == said["on_front"]


# ---- machines with nodes


@pytest.fixture(scope="module")
def node_results(tmp_path_factory):
    out = tmp_path_factory.mktemp("nodes") / "results"
    wanted = "wait_mean_s,gpu_fragmentation,stranded_gpus,cost"
    model = ("openb-like", "-m", "school-lab", "--load", 0.95, "--jobs", 1500)
    done = timonier("compare", *model, "-p", "fcfs,sjf", "--objectives", wanted, "--repeats", 2, "-o", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def node_page(node_results):
    return json.loads((node_results / "report.json").read_text())


@pytest.fixture
def nodes_opened(browser, node_results):
    browser.get((node_results / "report.html").as_uri())
    wait_for(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "all")
    return browser


@in_browser
def test_the_map_of_the_machine_is_that_of_the_chosen_scheduler(nodes_opened, node_page):
    drawn = "return document.getElementById('map-plot').data[0].z.map(row => [...row])"
    for name in ("sjf", "fcfs"):
        Select(nodes_opened.find_element(By.ID, "nodes-profile")).select_by_value(name)
        assert nodes_opened.execute_script(drawn) == node_page["nodes"][name]["map"]["used"]
    rows = nodes_opened.execute_script(
        "return document.getElementById('map-plot').data[0].customdata.map(r => r[0])"
    )
    assert rows == node_page["nodes"]["fcfs"]["map"]["rows"]
    assert len(rows) == 17  # every node of the lab has its line
    assert nodes_opened.get_log("browser") == []


@in_browser
def test_the_tables_of_the_nodes_say_what_was_measured(nodes_opened, node_page):
    resources = table(nodes_opened, "resource-table")
    assert [row[:2] for row in resources] == [
        [name, resource] for name in ("fcfs", "sjf") for resource in ("cores", "memory", "GPUs")
    ]
    types = table(nodes_opened, "type-table")
    assert [row[1] for row in types if row[0] == "sjf"] == [
        row["type"] for row in node_page["nodes"]["sjf"]["types"]
    ]
    assert sum(int(row[2]) for row in types if row[0] == "fcfs") == 38
    bill = table(nodes_opened, "bill-table")
    assert bill[0][1].endswith(" kWh")
    assert bill[0][3].endswith(" CHF")
    users = [row[0] for row in table(nodes_opened, "user-table")]
    assert users == [row["user"] for row in node_page["nodes"]["fcfs"]["users"]]


@in_browser
def test_on_nodes_the_machine_is_full_when_a_resource_is_and_the_page_says_which(nodes_opened, node_page):
    assert node_page["timeline"]["of"] in ("cores", "memory", "GPUs")
    assert axis_title(nodes_opened, "timeline-plot", "yaxis") == f"% of {node_page['timeline']['of']} in use"
    for row in table(nodes_opened, "full-table"):
        full = node_page["full"][row[0]]
        assert full["share"] >= max(full["of"].values())
        assert ("GPUs " in row[1]) == (full["of"]["gpus"] > 0)
    assert "processors" not in nodes_opened.find_element(By.ID, "worst").text
    links = [link.get_attribute("hash") for link in nodes_opened.find_elements(By.CSS_SELECTOR, "nav a")]
    sections = [part.get_attribute("id") for part in nodes_opened.find_elements(By.CSS_SELECTOR, "section")]
    assert links == [f"#{name}" for name in sections]


@in_browser
def test_four_objectives_fit_on_the_page_and_cost_has_its_currency(nodes_opened, node_page):
    nodes_opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 1200, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        box = "const box = document.getElementById('front-table').parentElement; return box.scrollWidth - box.clientWidth"
        assert nodes_opened.execute_script(box) <= 0
    finally:
        nodes_opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert "cost, CHF" in nodes_opened.find_element(By.CSS_SELECTOR, "#front-table thead").text
    units = {objective["name"]: objective["unit"] for objective in node_page["objectives"]}
    assert units["cost"] == "CHF"


@in_browser
def test_the_load_of_the_gpus_is_told(nodes_opened, node_page):
    load = node_page["offered_loads"]["gpus"]
    assert load == pytest.approx(0.95, rel=0.01)
    assert f"of GPUs {load:.3g}" in nodes_opened.find_element(By.CLASS_NAME, "facts").text


@in_browser
def test_the_front_shows_fragmentation_beside_waits(nodes_opened):
    Select(nodes_opened.find_element(By.ID, "front-y")).select_by_value("gpu_fragmentation")
    assert axis_title(nodes_opened, "front-plot", "yaxis").startswith("gpu_fragmentation")
    head = nodes_opened.find_element(By.CSS_SELECTOR, "#front-table thead").text
    for words in ("mean wait", "gpu_fragmentation", "stranded_gpus"):
        assert words in head


@in_browser
def test_nodes_on_a_narrow_dark_screen_do_not_scroll_sideways(nodes_opened):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    nodes_opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        nodes_opened.refresh()
        ready = "return document.documentElement.dataset.ready"
        wait_for(lambda: nodes_opened.execute_script(ready) == "all")
        nodes_opened.execute_script("document.getElementById('theme').click()")
        wait_for(lambda: nodes_opened.execute_script(ready) == "all")
        assert nodes_opened.execute_script("return document.documentElement.scrollWidth") <= 390
        paper = "return document.getElementById('map-plot').layout.paper_bgcolor"
        assert nodes_opened.execute_script(paper) == "#12161c"
    finally:
        nodes_opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@in_browser
def test_a_counted_machine_has_no_section_on_nodes(opened):
    assert opened.find_elements(By.ID, "nodes") == []


def test_what_is_not_known_of_a_machine_is_said_with_its_reason(node_page):
    found = nodes_view({"nodes": {"easy": node_page["nodes"]["sjf"] | {"bill": UNKNOWN_BILL}}})
    assert found["node_bills"][0]["cells"] == ["-", "-", "-"]
    assert found["node_bills"][0]["why"] == "energy_kwh: power not known: g2"


UNKNOWN_BILL = {
    "energy_kwh": None, "idle_kwh": None, "cost": None, "currency": "",
    "why": {"energy_kwh": "power not known: g2"},
}  # fmt: skip
