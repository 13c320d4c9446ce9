"""Where the boxes and lines of a drawing stand. Pure: names in, places out."""

from trace.core.charts.layers import Layout, arrange
from trace.core.charts.roles import alike
from trace.core.charts.widths import cut

__all__ = ["Layout", "alike", "arrange", "cut"]
