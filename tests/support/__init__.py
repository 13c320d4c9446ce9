"""What several tests share: databases, a client that checks pages, a server, a browser."""
