"""Features against values worked out by hand. Run `python3 -m pytest` in the folder above."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "files"))

from discretise import discretise
from extract import main
from features_firstorder import firstorder
from features_glcm import DIRECTIONS, glcm
from features_shape import shape
from settings import Settings


def test_levels_start_at_the_lowest_value():
    values = np.array([-10.0, 14.9, 15.0, 40.0])
    assert discretise(values, 25, 0).tolist() == [1, 1, 2, 3]
    assert discretise(values, 25, 2).tolist() == [1, 1, 2, 2]


def test_firstorder_of_four_values():
    features = firstorder(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 3, 4]))
    expected = {
        "mean": 2.5,
        "variance": 1.25,
        "skewness": 0,
        "excess_kurtosis": -1.36,
        "median": 2.5,
        "energy": 30,
        "mean_absolute_deviation": 1,
        "entropy": 2,
        "uniformity": 0.25,
    }
    assert {name: features[name] for name in expected} == pytest.approx(expected)


def test_glcm_of_four_pixels():
    # Six pairs: (1,1), (2,2) and four times (1,2). Both ways: p(1,1) = p(2,2) = 1/6, the rest 1/3.
    levels = np.array([[[1, 2], [1, 2]]])
    features = glcm(levels, levels > 0)
    expected = {
        "joint_maximum": 1 / 3,
        "joint_average": 1.5,
        "joint_variance": 0.25,
        "joint_entropy": np.log2(3) + 1 / 3,
        "contrast": 2 / 3,
        "angular_second_moment": 5 / 18,
        "inverse_difference": 2 / 3,
        "correlation": -1 / 3,
        "cluster_tendency": 1 / 3,
        "autocorrelation": 13 / 6,
    }
    assert {name: features[name] for name in expected} == pytest.approx(expected)


def test_glcm_ignores_what_is_outside():
    assert len(DIRECTIONS) == 13
    inside = np.zeros((3, 4, 4), dtype=bool)
    inside[1, 1:3, 1:3] = True
    levels = np.random.default_rng(0).integers(1, 9, inside.shape)
    levels[inside] = [1, 2, 1, 2]
    assert glcm(levels, inside)["contrast"] == pytest.approx(2 / 3)


def test_shape_of_a_ball():
    z, y, x = np.mgrid[-22:23, -22:23, -22:23]
    features = shape(z**2 + y**2 + x**2 <= 20**2, (1, 1, 1))
    assert features["volume_mesh"] == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    assert features["major_axis_length"] == pytest.approx(4 * 20 / 5**0.5, rel=0.01)
    assert features["flatness"] == pytest.approx(1)
    assert features["maximum_diameter"] == pytest.approx(41, abs=1)
    assert 0.85 < features["sphericity"] < 1


def test_shape_of_a_box_with_long_voxels():
    features = shape(np.ones((5, 10, 20), dtype=bool), (3, 1, 1))
    assert features["volume_voxels"] == 3000
    assert features["volume_mesh"] == pytest.approx(3000, rel=0.05)
    assert features["surface"] == pytest.approx(2 * (150 + 200 + 300), rel=0.1)
    assert features["major_axis_length"] == pytest.approx(4 * ((20**2 - 1) / 12) ** 0.5)


def test_the_list_of_classes_is_read_as_the_platform_passes_it():
    env = dict.fromkeys(("WORKFLOW_DIR", "BATCH_NAME", "OPERATOR_IN_DIR", "OPERATOR_OUT_DIR"), "x")
    for text in ("['glcm', 'shape']", "shape, glcm"):
        settings = Settings.read({**env, "FEATURE_CLASSES": text})
        assert settings.feature_classes == ("shape", "glcm")
    with pytest.raises(ValueError):
        Settings.read({**env, "FEATURE_CLASSES": "['wavelet']"})


def test_an_empty_batch_is_skipped(tmp_path):
    names = {"BATCH_NAME": "batch", "OPERATOR_IN_DIR": "in", "OPERATOR_OUT_DIR": "out"}
    assert main({"WORKFLOW_DIR": str(tmp_path), **names}) == 126


def test_a_broken_series_does_not_stop_the_others(tmp_path):
    import SimpleITK as sitk

    for series in ("a", "b"):
        (tmp_path / "batch" / series / "in").mkdir(parents=True)
    (tmp_path / "batch/a/in/image.nrrd").write_text("not an image")
    pixels = np.arange(64, dtype=np.int16).reshape(1, 8, 8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), tmp_path / "batch/b/in/image.nrrd")
    names = {"BATCH_NAME": "batch", "OPERATOR_IN_DIR": "in", "OPERATOR_OUT_DIR": "out"}
    assert main({"WORKFLOW_DIR": str(tmp_path), **names}) == 1
    assert not (tmp_path / "batch/a/out").exists()
    assert (tmp_path / "batch/b/out/b.json").read_text().startswith('{\n  "schema_version": 1')
