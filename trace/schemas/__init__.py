"""marshmallow: request to clean data to response."""
