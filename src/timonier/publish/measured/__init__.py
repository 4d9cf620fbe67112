"""The page of measurements: one HTML file that needs no network; plain values in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from timonier.publish.measured.figures import figures
from timonier.publish.measured.words import view_of


def measured_html(page: Mapping[str, Any]) -> str:
    """The whole file.  page: the values as `timonier.measure.page.page_of` makes them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("timonier.publish.measured", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (files("timonier.publish.report") / "page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        page=page, view=view_of(page), style=style, figures=figures(page)
    )
