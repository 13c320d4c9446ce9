"""Photos of papers, sealed at rest. Who may see one is decided where it is asked for (a file of
registration: the organisation itself, and whoever judges the file), and when it is deleted too
(services.applications).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from trace.errors import TraceError
from trace.services.sealed_photos import SealedPhotos

PAPER_LIMIT: Final = 12  # of one file
PAPERS: Final = SealedPhotos("papers", "paper")


class TooManyPapers(TraceError):
    code = "too-many-papers"
    message = "At most %(limit)d photos of papers fit into one file."


keep_paper = partial(PAPERS.keep, path="papers")
read_paper = PAPERS.read
kept_before = PAPERS.kept_before
drop_papers = PAPERS.drop
seal_plain = PAPERS.seal_plain
rewrap = PAPERS.rewrap
