"""First-order features: what the values say, wherever they lie.

Definitions: IBSI reference manual (Zwanenburg et al., arXiv:1612.07003), sections 3.3
"Intensity-based statistical features" and 3.4 "Intensity histogram features" (entropy and
uniformity).
"""

import numpy as np


def firstorder(values, levels):
    """Returns the features of `values`, whose grey levels are `levels`; undefined ones are NaN."""
    mean = values.mean()
    deviations = values - mean
    variance = np.mean(deviations**2)
    spread = np.sqrt(variance)
    p10, p25, median, p75, p90 = np.percentile(values, [10, 25, 50, 75, 90])
    robust = values[(values >= p10) & (values <= p90)]
    share = np.bincount(levels)[1:] / levels.size
    share = share[share > 0]
    squares = np.sum(values**2)
    return {
        "mean": mean,
        "variance": variance,
        # A region of one value has no shape of its distribution: 0 by convention.
        "skewness": np.mean(deviations**3) / spread**3 if spread > 0 else 0.0,
        "excess_kurtosis": np.mean(deviations**4) / variance**2 - 3 if spread > 0 else 0.0,
        "median": median,
        "minimum": values.min(),
        "percentile_10": p10,
        "percentile_90": p90,
        "maximum": values.max(),
        "interquartile_range": p75 - p25,
        "range": values.max() - values.min(),
        "mean_absolute_deviation": np.mean(np.abs(deviations)),
        "robust_mean_absolute_deviation": np.mean(np.abs(robust - robust.mean())),
        "median_absolute_deviation": np.mean(np.abs(values - median)),
        "coefficient_of_variation": spread / mean if mean else np.nan,
        "quartile_coefficient_of_dispersion": (p75 - p25) / (p75 + p25) if p75 + p25 else np.nan,
        "energy": squares,
        "root_mean_square": np.sqrt(squares / values.size),
        "entropy": -np.sum(share * np.log2(share)),
        "uniformity": np.sum(share**2),
    }
