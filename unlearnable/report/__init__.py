"""Reports of the commands: `--json` prints these models, and `schema_version` says which schema they follow."""

from unlearnable.report import common
from unlearnable.report.common import *
from unlearnable.report.models import *
from unlearnable.report.protect import *
from unlearnable.report.studies import *


def schemas() -> dict[str, object]:
    """Return the JSON Schema of each report, by its name."""
    known = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, common.Report)]
    reports = {kind.__name__: kind for kind in known if not kind.__subclasses__()}
    return {name: reports[name].model_json_schema(mode="serialization") for name in sorted(reports)}
