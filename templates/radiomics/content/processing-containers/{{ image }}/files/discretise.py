"""Grey levels from values, after the Image Biomarker Standardisation Initiative (IBSI).

Fixed bin size and fixed bin number are defined in the IBSI reference manual, section 2.7
"Intensity discretisation" (Zwanenburg et al., arXiv:1612.07003).
"""

import numpy as np

# More bins than this are a mistake: each voxel would have a bin of its own.
MOST_LEVELS = 1_000_000


def discretise(values, bin_width, bin_count):
    """Returns the level, from 1, of each of `values`; the lowest value has level 1."""
    lowest, highest = float(values.min()), float(values.max())
    if bin_count:
        if highest == lowest:
            return np.ones(values.shape, dtype=np.int64)
        levels = np.floor(bin_count * (values - lowest) / (highest - lowest)) + 1
        return np.minimum(levels, bin_count).astype(np.int64)
    if (highest - lowest) / bin_width >= MOST_LEVELS:
        raise ValueError(f"a bin width of {bin_width:g} is too small for values up to {highest:g}")
    return (np.floor((values - lowest) / bin_width) + 1).astype(np.int64)
