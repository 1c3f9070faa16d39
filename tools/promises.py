"""Play what people do with real folders of photos, and print for each promise whether it holds.

    python tools/promises.py

Each promise is one row of tests, which run the program on folders like those that people have; they are all part of the
project's tests. A promise without a test, or one whose tests were skipped, does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
PROMISES: dict[str, tuple[str, ...]] = {
    "captions in a folder or an export are taken, asked for, or said to be missing": (
        "tests/workflows/test_posts.py",
        "tests/cli/test_protect.py::test_captions_in_the_folder_are_taken_and_said_first",
        "tests/cli/test_exports.py",
    ),
    "an export of each kind comes back with nothing changed but captions and photos": (
        "tests/cli/test_export_kinds.py",
        "tests/datasets/formats/test_instagram.py",
        "tests/datasets/formats/test_facebook.py",
        "tests/datasets/formats/test_takeout.py",
        "tests/datasets/formats/test_mastodon.py",
        "tests/datasets/formats/test_x.py",
        "tests/datasets/formats/test_flickr_export.py",
        "tests/datasets/formats/test_osxphotos.py",
    ),
    "other fields do not tell what the caption hides, nor where it was": (
        "tests/workflows/test_fields.py",
        "tests/datasets/formats/test_further.py",
        "tests/imaging/test_metadata.py",
    ),
    "triggers do not describe the photo, and hold no word that embarrasses": (
        "tests/methods/test_resemblance.py",
        "tests/workflows/test_protect.py::test_how_close_triggers_are_to_the_clean_photos_is_reported",
        "tests/tools/test_words.py::test_no_word_that_was_removed_or_is_not_tame_is_shipped",
    ),
    "a first word within a second, a tick a batch, one time left for all": (
        "tests/cli/test_shown.py",
        "tests/protection/test_steps.py",
        "tests/cli/test_failures.py::test_help_brings_few_modules_and_no_torch",
    ),
    "offline, a model that has to be fetched is said within five seconds": (
        "tests/models/test_fetching.py",
        "tests/workflows/test_protect.py::test_a_model_that_cannot_be_fetched",
    ),
    "the dry run tells how large copies will be, and whether there is room": (
        "tests/workflows/test_files.py::test_the_plan_knows_how_large_copies_will_be",
        "tests/cli/test_protected.py::test_a_plan_without_room_says_so",
        "tests/cli/test_protect.py::test_dry_run_says_how_long_and_writes_nothing",
    ),
    "one photo and patterns are taken; too few to measure is said before a training": (
        "tests/workflows/test_protect.py::test_one_photo_is_enough",
        "tests/cli/test_protect.py::test_single_photos_are_protected_and_verified_without_the_others_of_their_folder",
        "tests/workflows/test_verify.py::test_faces_are_protected_and_verified_with_one_photo_of_each_person_held_out",
    ),
    "the outcome is four sentences and what to do next": (
        "tests/cli/test_protected.py::test_the_outcome_is_four_sentences_and_what_to_do_next",
        "tests/cli/test_protected.py::test_what_is_said_is_true_of_other_methods_and_captions",
    ),
    "tables of other programs, their columns, letters and paths are read and written back": (
        "tests/datasets/formats/test_columns.py",
        "tests/cli/test_protect.py::test_a_table_of_another_machine_is_protected_and_opened_again",
    ),
    "names never change owner, what is no photo is counted, reasons are one line each": (
        "tests/workflows/test_places.py",
        "tests/workflows/test_posts.py::test_files_that_are_no_photos_are_counted",
    ),
    "nothing that one copies is cut, in lists and on pages, at 80 columns and 360 pixels": (
        "tests/cli/test_lists.py",
        "tests/report/test_browser.py",
    ),
    "the commands of README work after its installation": (
        "tests/test_dependencies.py",
        "tests/docs/test_pages.py",
    ),
    "the install lines are right, and so is the Dockerfile": ("tests/test_dockerfile.py",),
}  # fmt: skip


class Outcomes:
    """Counts the tests of each promise as they pass, fail or are skipped."""

    def __init__(self, promises: Mapping[str, Sequence[str]]) -> None:
        self.of = {name: {"passed": 0, "failed": 0, "skipped": 0} for name in promises}
        self.promises = promises

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: when it has run, or where it did not come so far."""
        if report.when == "call" or report.outcome != "passed":
            for name, tests in self.promises.items():
                if any(report.nodeid == test or report.nodeid.startswith((f"{test}::", f"{test}[")) for test in tests):
                    self.of[name][report.outcome] += 1

    def hold(self, name: str) -> bool:
        """Return whether the tests of a promise passed: at least one, and none failed."""
        counts = self.of[name]
        return bool(counts["passed"]) and not counts["failed"]


def main() -> int:
    outcomes = Outcomes(PROMISES)
    tests = list(dict.fromkeys(test for of_one in PROMISES.values() for test in of_one))
    code = pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *tests], [outcomes])
    table = Table("promise", "", "passed", "failed", "skipped")
    for name, counts in outcomes.of.items():
        table.add_row(name, "holds" if outcomes.hold(name) else "FAILS", *map(str, counts.values()))
    Console().print(table)
    return int(code) or int(not all(map(outcomes.hold, PROMISES)))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    sys.exit(main())
