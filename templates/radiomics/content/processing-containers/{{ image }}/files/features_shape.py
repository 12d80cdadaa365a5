"""Shape features: what the region looks like, whatever its values.

Definitions: IBSI reference manual (Zwanenburg et al., arXiv:1612.07003), section 3.1
"Morphological features". The surface is the mesh of `mesh.py`; lengths are in mm.
"""

import numpy as np

from mesh import area, longest_chord, surface, volume


def shape(mask, spacing):
    """Returns the features of `mask` (z, y, x) with voxels of `spacing` (z, y, x) in mm."""
    spacing = np.asarray(spacing, dtype=float)
    triangles = surface(mask)
    v, a = volume(triangles * spacing), area(triangles * spacing)
    sphere = (36 * np.pi * v**2) ** (1 / 3)
    major, minor, least = _axes(mask, spacing)
    return {
        "volume_mesh": v,
        "volume_voxels": np.count_nonzero(mask) * spacing.prod(),
        "surface": a,
        "surface_to_volume": a / v,
        "compactness_1": v / (np.sqrt(np.pi) * a**1.5),
        "compactness_2": 36 * np.pi * v**2 / a**3,
        "spherical_disproportion": a / sphere,
        "sphericity": sphere / a,
        "asphericity": (a**3 / (36 * np.pi * v**2)) ** (1 / 3) - 1,
        "maximum_diameter": longest_chord(triangles, spacing),
        "major_axis_length": major,
        "minor_axis_length": minor,
        "least_axis_length": least,
        "elongation": minor / major if major else np.nan,
        "flatness": least / major if major else np.nan,
    }


def _axes(mask, spacing):
    """Returns the lengths of the axes of the ellipsoid with the same moments, longest first."""
    points = np.argwhere(mask) * spacing
    points -= points.mean(axis=0)
    moments = np.linalg.eigvalsh(points.T @ points / len(points))
    # Rounding makes a moment that is zero, as across a single slice, slightly negative.
    return (4 * np.sqrt(np.clip(moments, 0, None)))[::-1].tolist()
