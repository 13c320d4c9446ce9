"""What a shopper sends to follow a lot."""

from __future__ import annotations

from trace.schemas.base import FormSchema, Text


class FollowForm(FormSchema):
    """An e-mail address, as typed."""

    email = Text(254, required=True)


class BrowserForm(FormSchema):
    """What a browser gave for its messages (PushSubscription.toJSON)."""

    endpoint = Text(2000, required=True)
    p256dh = Text(120, required=True)
    auth = Text(40, required=True)
