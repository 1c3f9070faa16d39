"""What a run compares its photos with before it begins."""

from __future__ import annotations
