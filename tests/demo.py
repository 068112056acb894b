"""Constructed logs of one tenant in many shapes, with their configuration: what many tests load."""

from __future__ import annotations

from pathlib import Path

LOGS = Path(__file__).resolve().parent / "data" / "demo"
