"""Finds and reads the segmentation of a series: DICOM SEG, NIfTI, NRRD or MetaImage."""

import re
from dataclasses import dataclass

import numpy as np
import pydicom
import SimpleITK as sitk

from read import dicom_header, files_in, is_volume

NAMED = re.compile(r"seg|mask", re.IGNORECASE)


@dataclass
class Region:
    """A part of an image: a mask in the order z, y, x of the image's array."""

    label: int
    name: str
    mask: np.ndarray


def whole(image):
    """Returns the region that is all of `image`."""
    shape = image.GetSize()[::-1]
    return Region(0, "whole image", np.ones(shape, dtype=bool))


def split(files):
    """Returns the files that are images and those that are segmentations, by name or content."""
    masks = {path for path in files if _is_segmentation(path)}
    return [path for path in files if path not in masks], sorted(masks)


def _is_segmentation(path):
    if is_volume(path):
        return NAMED.search(path.name) is not None
    header = dicom_header(path)
    return header is not None and header.get("Modality") == "SEG"


def from_folder(folder):
    """Returns the segmentation files in `folder`; raises ValueError if there is none."""
    files = [path for path in files_in(folder) if is_volume(path) or _is_segmentation(path)]
    if not files:
        raise ValueError(f"there is no segmentation in {folder}")
    return files


def read_regions(files, image):
    """Returns the regions in `files` on the grid of `image`, and remarks."""
    regions, notes = [], []
    for path in files:
        found = _read_volume(path) if is_volume(path) else _read_dicom(path, image)
        for label, name, mask in found:
            array, note = _on_grid(mask, image)
            if note:
                notes.append(f"{path.name}: {note}")
            prefix = f"{path.name}: " if len(files) > 1 else ""
            regions.append(Region(label, prefix + name, array))
    if not regions:
        raise ValueError("the segmentation has no labels")
    return regions, notes


def _read_volume(path):
    image = sitk.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"{path.name} has more than one value per voxel")
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3:
        raise ValueError(f"{path.name} has {image.GetDimension()} dimensions")
    array = sitk.GetArrayViewFromImage(image)
    for label in np.unique(array):
        if label > 0:
            yield int(round(float(label))), f"label {label:g}", image == float(label)


def _read_dicom(path, image):
    """Yields the segments of a DICOM SEG object (DICOM PS3.3 A.51)."""
    data = pydicom.dcmread(path)
    frames = data.pixel_array
    if frames.ndim == 2:
        frames = frames[np.newaxis]
    groups = data.get("PerFrameFunctionalGroupsSequence") or []
    if len(groups) != len(frames):
        raise ValueError(f"{path.name} does not say where its frames lie")
    kind = str(data.get("SegmentationType", "BINARY"))
    names = {
        int(item.SegmentNumber): str(item.get("SegmentLabel", f"segment {item.SegmentNumber}"))
        for item in data.SegmentSequence
    }
    planes = _Planes(data, groups, image)
    for number, name in names.items():
        if number == 0:
            continue  # the background of a label map
        volume = np.zeros((planes.count, *frames.shape[1:]), dtype=np.uint8)
        for frame, group, index in zip(frames, groups, planes.indices):
            if kind == "LABELMAP":
                volume[index] |= frame == number
            elif _segment_of(group, data) == number:
                least = data.get("MaximumFractionalValue", 1) / 2 if kind == "FRACTIONAL" else 0.5
                volume[index] |= frame >= least
        yield number, name, planes.image(volume)


def _functional(group, data, sequence):
    """Returns the item of `sequence` for a frame, which may be shared by all frames."""
    shared = (data.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
    for holder in (group, shared):
        if holder.get(sequence):
            return holder[sequence][0]
    raise ValueError(f"the segmentation has no {sequence}")


def _segment_of(group, data):
    return int(_functional(group, data, "SegmentIdentificationSequence").ReferencedSegmentNumber)


class _Planes:
    """Where the frames of a DICOM SEG object lie."""

    def __init__(self, data, groups, image):
        orientation = _functional(groups[0], data, "PlaneOrientationSequence")
        measures = _functional(groups[0], data, "PixelMeasuresSequence")
        axes = [float(v) for v in orientation.ImageOrientationPatient]
        row, column = np.reshape(axes, (2, 3))
        normal = np.cross(row, column)
        positions = [_functional(group, data, "PlanePositionSequence") for group in groups]
        origins = [
            np.array([float(v) for v in position.ImagePositionPatient]) for position in positions
        ]
        places = np.array([normal @ origin for origin in origins])
        steps = np.diff(np.unique(places.round(3)))
        thickness = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
        gap = float(steps.min()) if len(steps) else float(thickness or image.GetSpacing()[2])
        self.indices = np.rint((places - places.min()) / gap).astype(int).tolist()
        self.count = max(self.indices) + 1
        self._origin = origins[int(places.argmin())].tolist()
        self._direction = np.stack([row, column, normal], axis=1).ravel().tolist()
        rows, columns = (float(v) for v in measures.PixelSpacing)
        self._spacing = (columns, rows, gap)

    def image(self, volume):
        image = sitk.GetImageFromArray(volume)
        image.SetOrigin(self._origin)
        image.SetDirection(self._direction)
        image.SetSpacing(self._spacing)
        return image


def _on_grid(mask, image):
    """Returns `mask` as an array on the grid of `image`, and a remark if that was not plain."""
    same_size = mask.GetSize() == image.GetSize()
    if same_size and _same_place(mask, image):
        return sitk.GetArrayFromImage(mask).astype(bool), None
    placed = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    array = sitk.GetArrayFromImage(placed).astype(bool)
    if array.any() or not same_size:
        # A DICOM SEG object often holds only the slices with something in them: the same grid.
        plain = np.allclose(mask.GetSpacing(), image.GetSpacing(), atol=1e-3)
        return array, None if plain else "the segmentation has another grid and was resampled"
    return sitk.GetArrayFromImage(mask).astype(bool), (
        "the segmentation lies elsewhere but has the size of the image: taken voxel by voxel"
    )


def _same_place(a, b):
    pairs = (
        (a.GetSpacing(), b.GetSpacing()),
        (a.GetOrigin(), b.GetOrigin()),
        (a.GetDirection(), b.GetDirection()),
    )
    return all(np.allclose(first, second, atol=1e-3) for first, second in pairs)
