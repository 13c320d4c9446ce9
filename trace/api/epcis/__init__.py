"""The EPCIS 2.0 REST interface. Each module adds its views to the one blueprint."""

from trace.api.epcis import capture, events, negotiation, resources
from trace.api.epcis.door import bp

__all__ = ["bp", "capture", "events", "negotiation", "resources"]
