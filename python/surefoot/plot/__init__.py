"""Pictures: each function returns a matplotlib Figure, made without pyplot.

`figure.savefig(path)` writes it; a notebook shows it. What is drawn is computed by surefoot itself.
Needs the extra: pip install 'surefoot[plot]'.
"""

from ._curves import learning_curves
from ._functions import activation_functions
from ._layers import activation_histograms, gradient_histograms, weight_histograms
from ._matrix import confusion_matrix
from ._paths import optimizer_paths
from ._regions import decision_regions
from ._schedule import schedule
from ._surface import loss_surface
from ._weights import weight_images

__all__ = [
    "activation_functions",
    "activation_histograms",
    "confusion_matrix",
    "decision_regions",
    "gradient_histograms",
    "learning_curves",
    "loss_surface",
    "optimizer_paths",
    "schedule",
    "weight_histograms",
    "weight_images",
]
