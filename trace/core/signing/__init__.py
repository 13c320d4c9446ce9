"""Keys, JOSE and SD-JWT (RFC 9901)."""
