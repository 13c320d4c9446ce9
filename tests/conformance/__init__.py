"""A conformance suite for EPCIS 2.0 servers, ours or any other: plain HTTP, nothing of `trace`.

pytest tests/conformance --base-url https://host/epcis --token TOKEN [--openapi FILE]
"""
