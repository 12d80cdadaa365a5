"""Reads the image of a series: DICOM, NIfTI, NRRD or MetaImage."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

VOLUME_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")

# DICOM objects that carry no image of their own.
NOT_AN_IMAGE = {"SEG", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG"}

# ITU-R BT.601, as for luminance in DICOM PS3.3 C.7.6.3.1.2.
LUMINANCE = (0.299, 0.587, 0.114)

sitk.ProcessObject.SetGlobalWarningDisplay(False)


@dataclass
class Series:
    """An image with one value per voxel, and what is known about it."""

    image: sitk.Image
    modality: str | None
    files: int
    reader: str
    notes: list[str] = field(default_factory=list)

    def facts(self):
        """Returns what identifies the image in a result; sizes in x, y, z order and mm."""
        return {
            "modality": self.modality,
            "size": list(self.image.GetSize()),
            "spacing_mm": list(self.image.GetSpacing()),
            "files": self.files,
            "reader": self.reader,
        }


def is_volume(path):
    """Says whether `path` is a file of a volume format by its name."""
    return path.name.lower().endswith(VOLUME_ENDINGS)


def files_in(folder):
    """Returns the visible files in `folder` and below, sorted."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


def dicom_header(path):
    """Returns the DICOM data set in `path` without its pixels, or None if it is none."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    except pydicom.errors.InvalidDicomError:
        # Some writers leave out the preamble: such a file counts if it describes an image.
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception:
            return None
        return header if "Rows" in header else None
    except Exception:
        return None
    return header


def read_series(files):
    """Returns the image in `files`; raises ValueError if there is none that can be read."""
    volumes = [path for path in files if is_volume(path)]
    headers = {path: dicom_header(path) for path in files if path not in volumes}
    images = {
        path: header
        for path, header in headers.items()
        if header is not None and "Rows" in header and header.get("Modality") not in NOT_AN_IMAGE
    }
    if images:
        return _read_dicom(images)
    if len(volumes) == 1:
        return Series(scalar(sitk.ReadImage(str(volumes[0]))), None, 1, "SimpleITK")
    if volumes:
        names = ", ".join(path.name for path in volumes)
        raise ValueError(f"there is more than one image: {names}")
    raise ValueError("there is no image")


def _read_dicom(headers):
    by_series = defaultdict(list)
    for path, header in headers.items():
        by_series[str(header.get("SeriesInstanceUID", ""))].append(path)
    paths = max(by_series.values(), key=len)
    modality = headers[paths[0]].get("Modality") or None
    notes = []
    if len(by_series) > 1:
        notes.append(f"{len(by_series)} series in one folder: the largest was taken")
    try:
        image, reader = scalar(_read_with_itk(paths, headers)), "SimpleITK"
    except (RuntimeError, ValueError) as error:
        try:
            image, reader = _read_with_pydicom(paths), "pydicom"
        except Exception as second:
            first = str(error).strip().splitlines()[-1]
            raise ValueError(f"it can't be decoded: {second} (SimpleITK: {first})") from second
    return Series(image, str(modality) if modality else None, len(paths), reader, notes)


def _read_with_itk(paths, headers):
    if len(paths) == 1:
        return sitk.ReadImage(str(paths[0]))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in _sorted(paths, headers)])
    return reader.Execute()


def _position(header):
    """Returns where a slice lies along the normal of its plane, in mm, or None."""
    position = header.get("ImagePositionPatient")
    orientation = header.get("ImageOrientationPatient")
    if not position or not orientation:
        return None
    row, column = np.reshape([float(v) for v in orientation], (2, 3))
    return float(np.dot(np.cross(row, column), [float(v) for v in position]))


def _sorted(paths, headers):
    positions = {path: _position(headers[path]) for path in paths}
    if any(position is None for position in positions.values()):
        return sorted(paths, key=lambda path: (int(headers[path].get("InstanceNumber") or 0), path))
    if len(set(positions.values())) < len(positions):
        raise ValueError("two slices lie in one place")
    return sorted(paths, key=positions.get)


def _read_with_pydicom(paths):
    """Reads what SimpleITK refuses, with the geometry as far as the files tell it."""
    data = {path: pydicom.dcmread(path, force=True) for path in paths}
    ordered = _sorted(paths, data)
    slices = [_pixels(data[path]) for path in ordered]
    if len({array.shape for array in slices}) > 1:
        raise ValueError("its slices differ in size")
    image = sitk.GetImageFromArray(np.concatenate(slices))
    first = data[ordered[0]]
    in_plane = first.get("PixelSpacing") or first.get("ImagerPixelSpacing") or (1, 1)
    positions = [_position(data[path]) for path in ordered]
    gap = float(first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1)
    if len(positions) > 1 and None not in positions:
        gap = (positions[-1] - positions[0]) / (len(positions) - 1)
    image.SetSpacing((float(in_plane[1]), float(in_plane[0]), abs(gap) or 1.0))
    if positions[0] is not None:
        row, column = np.reshape([float(v) for v in first.ImageOrientationPatient], (2, 3))
        matrix = np.stack([row, column, np.cross(row, column)], axis=1)
        if abs(np.linalg.det(matrix)) > 0.5:
            image.SetDirection(matrix.ravel().tolist())
            image.SetOrigin([float(v) for v in first.ImagePositionPatient])
    return image


def _pixels(data):
    """Returns the frames of `data` as floats, with its rescaling applied."""
    if "TransferSyntaxUID" not in getattr(data, "file_meta", {}):
        implicit, little = data.original_encoding
        syntax = {
            (True, True): pydicom.uid.ImplicitVRLittleEndian,
            (False, True): pydicom.uid.ExplicitVRLittleEndian,
            (False, False): pydicom.uid.ExplicitVRBigEndian,
        }
        data.ensure_file_meta()
        data.file_meta.TransferSyntaxUID = syntax[bool(implicit), bool(little)]
    # pydicom turns YBR colours into RGB by itself.
    array = data.pixel_array.astype(np.float64)
    if data.get("SamplesPerPixel", 1) == 3:
        array = array @ np.array(LUMINANCE)
    array = array * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    return array if array.ndim == 3 else array[np.newaxis]


def scalar(image):
    """Returns `image` as floats with one value per voxel and three dimensions."""
    dimension = image.GetDimension()
    if dimension == 4 and image.GetSize()[3] == 1:
        image, dimension = image[:, :, :, 0], 3
    if dimension == 2:
        image, dimension = sitk.JoinSeries(image), 3
    if dimension != 3:
        raise ValueError(f"it has {dimension} dimensions; only 2 and 3 are understood")
    channels = image.GetNumberOfComponentsPerPixel()
    if channels == 1:
        return sitk.Cast(image, sitk.sitkFloat64)
    if channels not in (3, 4):
        raise ValueError(f"it has {channels} values per voxel")
    parts = [
        sitk.Cast(sitk.VectorIndexSelectionCast(image, channel), sitk.sitkFloat64) * weight
        for channel, weight in enumerate(LUMINANCE)
    ]
    return parts[0] + parts[1] + parts[2]
