"""The report of a comparison: one HTML file that needs no network.

Text and tables are in the file; plotly, which is in the file too, draws over them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from timonier.publish.looks import COLOURS
from timonier.publish.report.view import view_of


def report_html(page: Mapping[str, Any]) -> str:
    """The whole file.  page: the values as `timonier.compare.page.page_of` makes them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("timonier.publish.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        page=page,
        view=view_of(page),
        data=_in_script(json.dumps({**page, "colours": COLOURS}, separators=(",", ":"))),
        style=_own("page.css"),
        script=_own("page.js"),
        plotly=_plotly(),
    )


def _own(name: str) -> str:
    return (files("timonier.publish.report") / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """plotly.js as the plotly package ships it, without importing that package."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _in_script(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c")
