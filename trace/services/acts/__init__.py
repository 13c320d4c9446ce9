"""What people and programs say happened, as events: the one place where what was sent becomes what
is recorded. The console's forms and the interface for programs both come through here.

A door reads what was sent by a schema (`trace.schemas`), makes a `Told` of it, asks a function of
this package for the events, and hands them to `submit`. Nothing here knows a form or a request.
"""

from trace.services.acts.common import (
    GOODS,
    Told,
    check_may_leave,
    circumstances,
    items_of_rows,
    lot_amount,
    new_lot,
    submit,
)

__all__ = [
    "GOODS",
    "Told",
    "check_may_leave",
    "circumstances",
    "items_of_rows",
    "lot_amount",
    "new_lot",
    "submit",
]
