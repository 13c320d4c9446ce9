"""What gunicorn and the command line load: the application, made once in each process."""

import gc
import sys

from sqlalchemy.orm import configure_mappers

from trace.app import create_app

app = create_app()

# What starting has made (modules, mappers, routes) stays as long as the process. A full collection
# goes through all of it: a fifth of a second in the middle of somebody's page, and one page of five
# built anew met one. It is set aside; what requests leave behind is collected as before, but with
# thresholds fit for pages that make some ten thousand objects each.
configure_mappers()
gc.freeze()
gc.set_threshold(20_000, 20, 20)

# A thread that computes (a chain, a sheet of labels) gives the interpreter up when another one has
# waited for so long; a page from memory asks for it several times. Measured beside one such thread:
# a third off the page's 99th percentile, a quarter more pages, and no less of the other work than
# with Python's own five milliseconds.
sys.setswitchinterval(0.0005)
