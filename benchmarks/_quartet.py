"""quartet-epcis in a process and a virtual environment of its own: captures what it is told to.

Run by its own interpreter (nothing of ours can be imported here), with the folder of its database
as argument. Each line it reads names a parser and a file; it answers with the CPU seconds from the
file's bytes to the commit, and how many events that made.
"""

from __future__ import annotations

import gc
import io
import logging
import sys
import warnings
from importlib import import_module
from pathlib import Path
from time import process_time

# What its capture step takes: by default, and told not to enforce anything.
PARSERS = {
    "business": ("quartet_epcis.parsing.business_parser", "BusinessEPCISParser"),
    "loose": ("quartet_epcis.parsing.parser", "QuartetParser"),
}


def main(folder: Path) -> None:
    """Sets Django up on a fresh SQLite database, then answers line by line."""
    django = import_module("django")
    settings = import_module("django.conf").settings
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "quartet_epcis",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "quartet.db"),
                # The same bargain as ours: a write-ahead log.
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
            }
        },
        # Its migrations import the rest of its family; its models say which tables there are.
        MIGRATION_MODULES={"quartet_epcis": None},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        SECRET_KEY="only for measuring",
    )
    # It warns of every naive time it writes, which would cost it more than the writing.
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    django.setup()
    import_module("django.core.management").call_command("migrate", run_syncdb=True, verbosity=0)
    events = import_module("quartet_epcis.models.events").Event.objects
    print("ready", flush=True)
    for line in sys.stdin:
        which, _, path = line.strip().partition(" ")
        module, name = PARSERS[which]
        parser = getattr(import_module(module), name)
        data = Path(path).read_bytes()
        before = events.count()
        gc.collect()
        start = process_time()
        parser(io.BytesIO(data)).parse()
        spent = process_time() - start
        print(f"{spent} {events.count() - before}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
