"""Room: policy. A scheduler as data: profiles in TOML, and the table of their knobs.

Everything here loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timonier.policy.knobs import known_knobs
    from timonier.policy.profile import (
        Backfill,
        Cycle,
        Device,
        Estimate,
        Limits,
        Order,
        Place,
        Profile,
        Queue,
        Score,
    )
    from timonier.policy.read import parse_profile, read_profile, shipped_profiles
    from timonier.policy.say import say_profile
    from timonier.policy.write import profile_to_toml

__all__ = [
    "Backfill",
    "Cycle",
    "Device",
    "Estimate",
    "Limits",
    "Order",
    "Place",
    "Profile",
    "Queue",
    "Score",
    "known_knobs",
    "parse_profile",
    "profile_to_toml",
    "read_profile",
    "say_profile",
    "shipped_profiles",
]

_HOMES = {
    "known_knobs": "knobs",
    "parse_profile": "read",
    "profile_to_toml": "write",
    "read_profile": "read",
    "say_profile": "say",
    "shipped_profiles": "read",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'profile')}"), name)
