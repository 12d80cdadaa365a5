"""What the environment asks for."""

import ast
import math
from dataclasses import dataclass
from pathlib import Path

FEATURE_CLASSES = ("firstorder", "shape", "glcm")


@dataclass(frozen=True)
class Settings:
    """Where the data is and what to compute."""

    batch: Path
    in_dir: str
    out_dir: str
    segmentation_dir: str | None
    feature_classes: tuple[str, ...]
    bin_width: float
    bin_count: int

    @classmethod
    def read(cls, env):
        """Returns the settings in `env`; raises ValueError for what makes no sense."""
        for name in ("WORKFLOW_DIR", "BATCH_NAME", "OPERATOR_IN_DIR", "OPERATOR_OUT_DIR"):
            if not env.get(name):
                raise ValueError(f"the environment variable {name} is not set")
        return cls(
            batch=Path("/", env["WORKFLOW_DIR"], env["BATCH_NAME"]),
            in_dir=env["OPERATOR_IN_DIR"],
            out_dir=env["OPERATOR_OUT_DIR"],
            segmentation_dir=env.get("SEGMENTATION_IN_DIR") or None,
            feature_classes=_feature_classes(env.get("FEATURE_CLASSES", "")),
            bin_width=_number("BIN_WIDTH", env.get("BIN_WIDTH") or "25", float, least=1e-9),
            bin_count=_number("BIN_COUNT", env.get("BIN_COUNT") or "0", int, least=0),
        )

    def as_dict(self):
        """Returns the settings that change the numbers."""
        bins = {"bin_count": self.bin_count} if self.bin_count else {"bin_width": self.bin_width}
        return {"feature_classes": list(self.feature_classes), **bins}


def _feature_classes(text):
    """Reads the list as the platform passes it (`['shape', 'glcm']`) or with commas."""
    text = text.strip()
    if text in ("", "None"):
        return FEATURE_CLASSES
    if text.startswith("["):
        try:
            names = [str(name) for name in ast.literal_eval(text)]
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"FEATURE_CLASSES is no list: {text}") from error
    else:
        names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - set(FEATURE_CLASSES))
    if unknown or not names:
        known = ", ".join(FEATURE_CLASSES)
        raise ValueError(f"FEATURE_CLASSES must be some of {known}, not {text}")
    return tuple(name for name in FEATURE_CLASSES if name in names)


def _number(name, text, kind, least):
    try:
        number = kind(float(text)) if kind is int else kind(text)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{name} is no number: {text}") from error
    if not math.isfinite(number) or number < least:
        raise ValueError(f"{name} must be greater, not {text}")
    return number
