"""How long what offices wrote to one another, and what they counted, is kept.

1. A directive that ended DIRECTIVES_KEPT ago loses its text, its answers and remarks, its files.
   Number, title, days, units and how each stood stay: that something was asked and answered.
2. A periodic report made REPORTS_KEPT ago is deleted with its figures, from which its files are
   drawn. It holds sums only; what they were made of has periods of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, or_, select, update

from trace.extensions import db
from trace.models import AuthorityReport, Directive, DirectiveFile, DirectiveUnit
from trace.services import directive_files
from trace.services.after_commit import after_commit
from trace.services.audit import write_audit
from trace.services.sets import among

DIRECTIVES_KEPT: Final = timedelta(days=5 * 365 + 1)
REPORTS_KEPT: Final = timedelta(days=10 * 365 + 2)
AT_ONCE: Final = 500


def forget_directives(*, at: datetime) -> int:
    """Rule 1; how many directives. The caller commits; called every hour."""
    over = list(
        db.session.scalars(
            select(Directive.id)
            .where(Directive.ended_at <= at - DIRECTIVES_KEPT, Directive.text != "")
            .limit(AT_ONCE)
        )
    )
    if not over:
        return 0
    digests = set(
        db.session.scalars(
            select(DirectiveFile.digest).where(among(DirectiveFile.directive_id, over))
        )
    )
    for statement in (
        delete(DirectiveFile).where(among(DirectiveFile.directive_id, over)),
        update(DirectiveUnit)
        .where(
            among(DirectiveUnit.directive_id, over),
            or_(DirectiveUnit.answer != "", DirectiveUnit.remark != ""),
        )
        .values(answer="", remark=""),
        update(Directive).where(among(Directive.id, over)).values(text=""),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))
    needed = set(  # the same paper may go with another
        db.session.scalars(
            select(DirectiveFile.digest).where(among(DirectiveFile.digest, sorted(digests)))
        )
    )
    after_commit(partial(directive_files.drop, digests - needed))
    write_audit(None, "directive.forget", "directives", at=at, count=len(over))
    return len(over)


def forget_reports(*, at: datetime) -> int:
    """Rule 2; how many reports. The caller commits; called every hour."""
    gone = db.session.execute(
        delete(AuthorityReport)
        .where(AuthorityReport.made_at <= at - REPORTS_KEPT)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", gone).rowcount
