"""Computes radiomics features of each series of a batch and writes them as JSON.

Exit status: 0 if all series were processed, 1 if one or more failed (the others are written all
the same), 126 if there was nothing to process, which the platform shows as skipped.
"""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from discretise import discretise
from features_firstorder import firstorder
from features_glcm import glcm
from features_shape import shape
from read import files_in, read_series
from segmentation import from_folder, read_regions, split, whole
from settings import Settings

SCHEMA_VERSION = 1
SKIPPED = 126


def main(env):
    """Processes the batch that `env` names and returns the exit status."""
    try:
        settings = Settings.read(env)
    except ValueError as error:
        print(f"error: {error}")
        return 1
    inputs = _inputs(settings)
    if not inputs:
        print(f"There is nothing to process in {settings.batch}.")
        return SKIPPED
    failed = []
    for number, folder in enumerate(inputs, 1):
        print(f"[{number}/{len(inputs)}] {folder.name}")
        try:
            result = process(folder, settings)
            written = write(result, folder / settings.out_dir / f"{folder.name}.json")
            print(f"  {len(result['labels'])} region(s) -> {written}")
        except Exception as error:  # one broken series must not stop the others
            print(f"  error: {type(error).__name__}: {error}")
            failed.append(folder.name)
    print(f"{len(inputs) - len(failed)} of {len(inputs)} series processed.")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


def _inputs(settings):
    """Returns the folders of the series that have input files, sorted."""
    if not settings.batch.is_dir():
        return []
    folders = sorted(path for path in settings.batch.iterdir() if path.is_dir())
    return [folder for folder in folders if files_in(folder / settings.in_dir)]


def process(folder, settings):
    """Returns the result for the series in `folder`; raises ValueError if it can't be read."""
    images, masks = split(files_in(folder / settings.in_dir))
    if settings.segmentation_dir:
        masks = from_folder(folder / settings.segmentation_dir)
    series = read_series(images)
    notes = list(series.notes)
    if masks:
        regions, remarks = read_regions(masks, series.image)
        notes += remarks
    else:
        regions = [whole(series.image)]
        notes.append("there is no segmentation: the whole image is the region")
    values = sitk.GetArrayFromImage(series.image)
    spacing = series.image.GetSpacing()[::-1]
    return {
        "schema_version": SCHEMA_VERSION,
        "series": folder.name,
        "image": series.facts(),
        "settings": settings.as_dict(),
        "notes": notes,
        "labels": [describe(region, values, spacing, settings) for region in regions],
    }


def describe(region, values, spacing, settings):
    """Returns the features of one region; what is not defined for it is null, with a note."""
    # A voxel without a value, as outside the field of view of some scanners, is in no region.
    mask = region.mask & np.isfinite(values)
    result = {"label": region.label, "name": region.name, "voxels": int(np.count_nonzero(mask))}
    if not mask.any():
        return {**result, "features": {}, "notes": ["the region has no voxels in the image"]}
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(mask))
    mask, values = mask[box], values[box]
    levels = np.zeros(mask.shape, dtype=np.int64)
    if {"firstorder", "glcm"} & set(settings.feature_classes):
        levels[mask] = discretise(values[mask], settings.bin_width, settings.bin_count)
    compute = {
        "firstorder": lambda: firstorder(values[mask], levels[mask]),
        "shape": lambda: shape(mask, spacing),
        "glcm": lambda: glcm(levels, mask),
    }
    features, notes = {}, []
    for name in settings.feature_classes:
        features[name], undefined = finite(compute[name]())
        if undefined:
            notes.append(f"not defined for this region: {name} {', '.join(undefined)}")
    return {**result, "features": features, "notes": notes}


def finite(features):
    """Returns `features` with null for what is not finite, and the names of these."""
    plain = {name: float(value) for name, value in features.items()}
    undefined = [name for name, value in plain.items() if not math.isfinite(value)]
    return {name: None if name in undefined else plain[name] for name in plain}, undefined


def write(result, path):
    """Writes `result` to `path`, which appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


if __name__ == "__main__":
    sys.exit(main(os.environ))
