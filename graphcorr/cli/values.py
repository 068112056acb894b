"""Values of parameters as people type them."""

from __future__ import annotations

import json
from typing import Any

import click


def named_value(text: str, form: str) -> tuple[str, Any]:
    """`name=value` → name and value. Numbers, true, false, null, lists and quoted text are JSON; all else is text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--param {text}: expected {form}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
