"""Runs a loader on one object and compares records; reading sample files is done by `loader_cases`."""

from __future__ import annotations

import json
from typing import Any

import loader_cases
import msgspec

from graphcorr.ingest.loader import Carrier, Context, Loader
from graphcorr.records import Record

NOTHING_KNOWN = Context()

loader = loader_cases.loader_named
objects = loader_cases.read_objects


def parse(source: Loader, carrier: Carrier, obj: dict[str, Any], context: Context = NOTHING_KNOWN) -> Any:
    """The one record of an object; the object stays as it is and the record's types are the declared ones."""
    before = json.dumps(obj)
    found = source.parse[carrier](obj, context)
    assert json.dumps(obj) == before, "a loader changed the object that it was given"
    if found is not None:
        # The archive derives its columns from the declared types.
        assert msgspec.convert(msgspec.to_builtins(found), source.record) == found
    return found


def differences(left: Record, right: Record) -> set[str]:
    """Names of the fields in which two records differ."""
    return {name for name in left.__struct_fields__ if getattr(left, name) != getattr(right, name)}
