"""What a co-operative's evening needs: the blueprints of group entry, weighing and paper."""

from __future__ import annotations

from trace.web.producer import certifying, group, paper, tonight, weighing

BLUEPRINTS = (
    group.blueprint,
    weighing.blueprint,
    paper.blueprint,
    tonight.blueprint,
    certifying.blueprint,
)
