"""The fields of the routes' forms, with their ranges and descriptions."""

from typing import Annotated, Any, Self

from fastapi import File, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

_SMALLEST_SIGMA, _LARGEST_SIGMA = 0.1, 10.0


def _sigma(value: float) -> float:
    # This form of the comparison also rejects NaN.
    if value != -1 and not _SMALLEST_SIGMA <= value <= _LARGEST_SIGMA:
        raise ValueError(f"must be -1 (no known edges) or from {_SMALLEST_SIGMA:g} to {_LARGEST_SIGMA:g}")
    return value


_SIGMA_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"const": -1},
        {"type": "number", "minimum": _SMALLEST_SIGMA, "maximum": _LARGEST_SIGMA},
    ],
    "description": "standard deviation of Canny's Gaussian in pixels for the known edges; -1 = none; default: as in "
    "training",
    "examples": [2],
}

Image = Annotated[
    UploadFile, File(description="the picture; 8 or 16 bits, gray or colour, with or without transparency")
]
Mask = Annotated[UploadFile, File(description="of the picture's size, white (over 127) = hole")]
Lines = Annotated[UploadFile, File(description="8-bit gray of the picture's size, white = edge")]
Region = Annotated[UploadFile, File(description="of the picture's size, white (over 127) = predict again here")]
Sigma = Annotated[float, AfterValidator(_sigma), WithJsonSchema(_SIGMA_SCHEMA)]
Threshold = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="0 = soft lines, as predicted; otherwise predicted values over 255 times this become 255, others 0",
        examples=[0.5],
    ),
]


def _without_null(schema: dict[str, Any]) -> None:
    """Removes null from a schema: a form omits a field where Python has None."""
    for field in schema["properties"].values():
        options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            del field["anyOf"]
            field |= options[0] | field


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_null)

    image: Image
    mask: Mask


class EdgesForm(_Form):
    """Input of the prediction of lines."""

    lines: Lines | None = Field(None, description="the current lines, from which the known edges are then taken")
    region: Region | None = Field(None, description="a mask: predict again only here; elsewhere `lines` stay")
    sigma: Sigma | None = None
    threshold: Threshold = 0

    @model_validator(mode="after")
    def _region_needs_lines(self) -> Self:
        if self.region is not None and self.lines is None:
            raise ValueError("region: needs lines, which stay unchanged elsewhere")
        return self


class InpaintForm(_Form):
    """What to fill, and along which lines."""

    lines: Lines | None = Field(None, description="lines to follow, all of them; predicted first if missing")
    sigma: Sigma | None = None
    threshold: Threshold = 0


class RecipeForm(_Form):
    """What was filled and how."""

    lines: Lines
    sigma: Sigma | None = None
    threshold: Threshold = 0
