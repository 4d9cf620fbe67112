"""How schedulers look, the same on the page and in the figures."""

from __future__ import annotations

# Okabe and Ito 2008, told apart by colour-blind people; yellow darkened and black made grey, for white and dark paper
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#B8A800", "#8A8F98")
