"""The EPCIS 2.0 REST interface. Each module adds its views to the one blueprint."""

from trace.api.epcis import capture, events, named_queries, negotiation, resources, subscriptions
from trace.api.epcis.door import bp

__all__ = ["bp", "capture", "events", "named_queries", "negotiation", "resources", "subscriptions"]
