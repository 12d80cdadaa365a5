"""The surface of a mask as triangles, by marching cubes (Lorensen and Cline, 1987).

The surface crosses an edge between two voxel centres in the middle if one is inside. How the
crossings of a cube are joined is worked out from its faces: on each, a line cuts off every run of
corners that are inside. Both cubes at a face see the same lines, so that the surface is closed.
"""

from itertools import product

import numpy as np

CORNERS = list(product((0, 1), repeat=3))


def _faces():
    """Yields the four corners of each face of the cube, anticlockwise as seen from outside."""
    for axis, side in product(range(3), (0, 1)):
        around = [(0, 0), (1, 0), (1, 1), (0, 1)]
        for_side = around if side else around[::-1]
        face = []
        for one, other in for_side:
            corner = [0, 0, 0]
            corner[axis], corner[(axis + 1) % 3], corner[(axis + 2) % 3] = side, one, other
            face.append(CORNERS.index(tuple(corner)))
        yield face


def _triangles(inside):
    """Returns the triangles in a cube whose corners are `inside` or not, shape (n, 3, 3)."""
    following = {}
    for face in _faces():
        for k in range(4):
            if inside[face[k]] and not inside[face[k - 3]]:
                # A run of corners inside ends after corner k; walk back to where it began.
                first = k
                while inside[face[first - 1]]:
                    first -= 1
                leaves = frozenset((face[k], face[k - 3]))
                following[leaves] = frozenset((face[first], face[first - 1]))
    triangles = []
    while following:
        start, edge = following.popitem()
        ring = [start]
        while edge != start:
            ring.append(edge)
            edge = following.pop(edge)
        points = [np.mean([CORNERS[corner] for corner in edge], axis=0) for edge in ring]
        triangles += [[points[0], points[k], points[k + 1]] for k in range(1, len(points) - 1)]
    return np.array(triangles)


def surface(mask):
    """Returns the triangles around `mask`, shape (n, 3, 3), in voxels, all turning one way."""
    padded = np.pad(mask, 1).astype(np.uint8)
    kinds = np.zeros([length - 1 for length in padded.shape], dtype=np.uint8)
    for bit, (z, y, x) in enumerate(CORNERS):
        kinds |= padded[z : z - 1 or None, y : y - 1 or None, x : x - 1 or None] << bit
    cells = np.argwhere((kinds > 0) & (kinds < 255))
    kinds = kinds[tuple(cells.T)]
    found = []
    for kind in np.unique(kinds):
        inside = [bool(kind >> bit & 1) for bit in range(8)]
        here = cells[kinds == kind][:, np.newaxis, np.newaxis]
        found.append((here + _triangles(inside)).reshape(-1, 3, 3))
    return np.concatenate(found) - 1.0


def volume(triangles):
    """Returns the volume inside (divergence theorem)."""
    a, b, c = (triangles[:, k] for k in range(3))
    return abs(float(np.einsum("ij,ij->", a, np.cross(b, c)))) / 6


def area(triangles):
    """Returns the area of all triangles."""
    edges = triangles[:, 1:] - triangles[:, :1]
    return float(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum() / 2)


def longest_chord(triangles, spacing):
    """Returns the greatest distance between two corners of the triangles, in mm."""
    # Corners lie on half voxels, the lowest at -0.5: doubled and moved, they are whole numbers,
    # and one number stands for each corner.
    corners = np.rint(triangles.reshape(-1, 3) * 2).astype(np.int64) + 1
    size = corners.max(axis=0) + 1
    codes = np.unique((corners[:, 0] * size[1] + corners[:, 1]) * size[2] + corners[:, 2])
    corners = np.stack(np.unravel_index(codes, size), axis=1)
    levels = np.split(corners, np.flatnonzero(np.diff(corners[:, 0])) + 1)
    # The ends of the longest chord are corners of the hull of their own plane.
    points = np.concatenate([_hull(level) for level in levels]) * np.asarray(spacing) / 2
    longest = 0.0
    for start in range(0, len(points), 256):
        block = points[start : start + 256, np.newaxis] - points[np.newaxis, start:]
        longest = max(longest, float(np.einsum("ijk,ijk->ij", block, block).max()))
    return longest**0.5


def _hull(points):
    """Returns the corners of the convex hull of `points` of one plane, sorted by y, then x."""
    rows = np.flatnonzero(np.diff(points[:, 1])) + 1
    ends = np.unique(np.concatenate([[0], rows, rows - 1, [len(points) - 1]]))
    line = points[ends].tolist()
    hull = []
    for ordered in (line, line[::-1]):
        half = []
        for point in ordered:
            while len(half) > 1 and _turn(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        hull.extend(half)
    return np.array(hull)


def _turn(a, b, c):
    return (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
