"""Texture features of the grey level co-occurrence matrix (GLCM).

Definitions: IBSI reference manual (Zwanenburg et al., arXiv:1612.07003), section 3.6 "Grey level
co-occurrence based features": 13 directions at distance 1, both ways, merged into one matrix
("3D, merged"). In a single slice only the four directions inside it find neighbours.
"""

import numpy as np

# One of each pair of opposite neighbours among the 26.
DIRECTIONS = [
    (z, y, x) for z in (0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) > (0, 0, 0)
]

# Up to this many cells a full matrix is counted; beyond, only the cells in use are.
MOST_CELLS = 4_000_000


def glcm(levels, mask):
    """Returns the features of `levels` (from 1) inside `mask`; undefined ones are NaN."""
    matrix = _matrix(np.where(mask, levels, 0))
    return _features(*matrix) if matrix else {name: np.nan for name in NAMES}


def _matrix(levels):
    """Returns rows, columns and shares of the cells in use, or None if no voxel has a neighbour."""
    highest = int(levels.max()) + 1
    codes, counts = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    dense = np.zeros(highest**2, dtype=np.int64) if highest**2 <= MOST_CELLS else None
    for direction in DIRECTIONS:
        one, other = _neighbours(levels, direction)
        pairs = (one * highest + other)[(one > 0) & (other > 0)]
        if dense is not None:
            dense += np.bincount(pairs, minlength=dense.size)
        else:
            new, often = np.unique(pairs, return_counts=True)
            codes, back = np.unique(np.concatenate([codes, new]), return_inverse=True)
            counts = np.bincount(back, np.concatenate([counts, often]), len(codes)).astype(np.int64)
    if dense is not None:
        codes = np.flatnonzero(dense)
        counts = dense[codes]
    if not len(codes):
        return None
    # Each pair counts both ways, so that the matrix is symmetric.
    rows, columns = np.divmod(codes, highest)
    both = np.concatenate([codes, columns * highest + rows])
    codes, back = np.unique(both, return_inverse=True)
    shares = np.bincount(back, np.concatenate([counts, counts])) / (2 * counts.sum())
    return (*np.divmod(codes, highest), shares)


def _neighbours(levels, direction):
    """Returns the levels of all voxels with a neighbour in `direction`, and those neighbours."""
    here = tuple(slice(max(0, -d), -d if d > 0 else None) for d in direction)
    there = tuple(slice(max(0, d), d if d < 0 else None) for d in direction)
    return levels[here], levels[there]


def _entropy(shares):
    shares = shares[shares > 0]
    return -np.sum(shares * np.log2(shares))


def _features(i, j, p):
    count = int(max(i.max(), j.max()))
    px = np.bincount(i, p)
    k_sum, k_difference = i + j, np.abs(i - j)
    p_sum, p_difference = np.bincount(k_sum, p), np.bincount(k_difference, p)
    sums, differences = np.arange(len(p_sum)), np.arange(len(p_difference))
    mean = np.sum(i * p)
    variance = np.sum((i - mean) ** 2 * p)
    sum_average = np.sum(sums * p_sum)
    difference_average = np.sum(differences * p_difference)
    away = k_sum - 2 * mean
    apart = k_difference > 0
    correlation_1, correlation_2 = _information(i, j, p, px)
    return {
        "joint_maximum": p.max(),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": _entropy(p),
        "difference_average": difference_average,
        "difference_variance": np.sum((differences - difference_average) ** 2 * p_difference),
        "difference_entropy": _entropy(p_difference),
        "sum_average": sum_average,
        "sum_variance": np.sum((sums - sum_average) ** 2 * p_sum),
        "sum_entropy": _entropy(p_sum),
        "angular_second_moment": np.sum(p**2),
        "contrast": np.sum(k_difference**2 * p),
        "dissimilarity": np.sum(k_difference * p),
        "inverse_difference": np.sum(p / (1 + k_difference)),
        "normalised_inverse_difference": np.sum(p / (1 + k_difference / count)),
        "inverse_difference_moment": np.sum(p / (1 + k_difference**2)),
        "normalised_inverse_difference_moment": np.sum(p / (1 + k_difference**2 / count**2)),
        "inverse_variance": np.sum(p[apart] / k_difference[apart] ** 2),
        "correlation": np.sum((i - mean) * (j - mean) * p) / variance if variance > 0 else np.nan,
        "autocorrelation": np.sum(i * j * p),
        "cluster_tendency": np.sum(away**2 * p),
        "cluster_shade": np.sum(away**3 * p),
        "cluster_prominence": np.sum(away**4 * p),
        "information_correlation_1": correlation_1,
        "information_correlation_2": correlation_2,
    }


def _information(i, j, p, px):
    """Returns both measures of information correlation; the matrix is symmetric, so that the
    shares of rows and of columns are the same."""
    single = _entropy(px)
    if single <= 0:
        return np.nan, 0.0
    joint = _entropy(p)
    first = -np.sum(p * np.log2(px[i] * px[j]))
    # The sum over all cells of px(i) px(j) log2(px(i) px(j)), which falls apart into two.
    second = 2 * single
    return (joint - first) / single, np.sqrt(max(0.0, 1 - np.exp(-2 * (second - joint))))


NAMES = tuple(_features(np.array([1]), np.array([1]), np.array([1.0])))
