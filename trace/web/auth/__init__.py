"""Signing in and out, registering, one's own account, the organisation's file and members."""

from trace.web.auth.account import blueprint as account
from trace.web.auth.application import blueprint as application
from trace.web.auth.factors import blueprint as factors
from trace.web.auth.invitation import blueprint as invitation
from trace.web.auth.members import blueprint as members
from trace.web.auth.notifications import blueprint as notifications
from trace.web.auth.notifications import leaving, register_bell
from trace.web.auth.passkeys import blueprint as passkeys
from trace.web.auth.passkeys import sign_ins, signing
from trace.web.auth.proving import blueprint as contact
from trace.web.auth.registering import blueprint as register
from trace.web.auth.second import blueprint as second
from trace.web.auth.views import blueprint as auth

__all__ = [
    "account",
    "application",
    "auth",
    "contact",
    "factors",
    "invitation",
    "leaving",
    "members",
    "notifications",
    "passkeys",
    "register",
    "register_bell",
    "second",
    "sign_ins",
    "signing",
]
