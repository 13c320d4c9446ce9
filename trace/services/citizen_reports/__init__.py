"""Citizens' reports of a problem with goods: from the scan page, without an account, to the lowest
authority that answers for the place and the kind of goods, and back.

Rules.
1. Nobody need say who they are. A contact is sealed, used only for what its giver ticked (being
   told of the answer; being asked more), and forgotten KEPT_DAYS after closing. The code that opens
   the reporter's page is kept as a digest only, and beside the sealed contact while that is kept.
2. A report goes by the ward where the goods were bought, else by the one public place where they
   are on sale, else by the maker's ward; there to the narrowest confirmed authority whose sectors
   hold the sector of the problem (the rule "report-routing"), else to the narrowest of any sector.
3. Two days count: by when somebody looks into it, by when it is answered ("report-deadlines").
   Once one has passed, the report goes to the next wider authority with days of its own. Fourteen
   days after an answer to which nothing was added it is closed.
4. The reporter sees, by the code, who has it and what was said to them. The maker sees that there
   is a report on its goods and what the desk passes on; never words, photos or places that might
   tell who the reporter is. A desk sees those of its area and those sent to it; only the one that
   has it acts, or a wider one that takes it over.
5. Several reports on one lot are shown as such; SEVERAL within a week raise all of them. Merged
   ones are looked into and answered together, and each reporter reads the answer.
6. What comes in bursts from one network is held apart, not deleted: it raises nothing and the maker
   is not told until a desk admits it.
"""

from __future__ import annotations

from trace.services.citizen_reports.figures import Figures, figures, open_rows
from trace.services.citizen_reports.intake import KEPT_DAYS, reply, submit
from trace.services.citizen_reports.reading import find_by_code, same_lot

__all__ = [
    "KEPT_DAYS",
    "Figures",
    "figures",
    "find_by_code",
    "open_rows",
    "reply",
    "same_lot",
    "submit",
]
