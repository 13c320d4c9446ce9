"""A highly available installation built from nothing on one machine, put under load and broken.

`python -m deploy.cluster --help` says how; docs/how-to/cluster.md tells what it does, by hand.
"""
