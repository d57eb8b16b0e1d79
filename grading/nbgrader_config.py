# nbgrader's configuration of this course: its own pipeline, with our steps in it.
# Every nbgrader command in this folder reads it, formgrader and `python -m grading grade` too.
import os
import shutil
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
# nbgrader starts alembic by its bare name, which fails where the virtual environment is not activated
if shutil.which("alembic") is None:
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
# nbgrader's own queries make SQLAlchemy warn for every submission
warnings.filterwarnings("ignore", message="Object of type <Submitted", category=Warning)

from nbconvert.preprocessors import ClearMetadataPreprocessor  # noqa: E402
from nbgrader.preprocessors import (  # noqa: E402
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from byom.checks.unit import available_units, unit  # noqa: E402
from grading.feedback import FeedbackExporter  # noqa: E402
from grading.intake import IntakeExporter, scripts  # noqa: E402
from grading.referee import Referee  # noqa: E402
from grading.repair import Repair  # noqa: E402

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - nbgrader defines it

c.CourseDirectory.course_id = "byom"

# Learners answer in scripts too. nbgrader would put the instructor's stubs over them, but for those named here.
c.Autograde.exclude_overwriting = {name: scripts(unit(name)) for name in available_units()}

c.Autograde.exporter_class = IntakeExporter
c.Autograde.sanitize_preprocessors = [
    Repair,
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    Referee,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

c.GenerateFeedback.exporter_class = FeedbackExporter
c.GenerateFeedback.preprocessors = [GetGrades]

# A second line of defence behind grading/outputs.py, for formgrader's pages.
c.HTMLExporter.sanitize_html = True

# Deadlines: set an assignment's due date in formgrader, and let submissions have a timestamp.txt. What a late one
# costs is "none" (nothing) or "zero" (all), or a plugin of your own: see nbgrader's "Late submission plugin".
c.LateSubmissionPlugin.penalty_method = "none"
