"""Settings of `explain`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from unlearnable.settings.base import DefaultText, DeviceSetting, SeedSetting, Settings

_OF_THE_MANIFEST = DefaultText("from the manifest, for a photo that protect wrote")


class ExplainSettings(Settings):
    """Everything an `explain` run depends on: a photo to be explained, posts to be mapped, or both.

    `caption` and `trigger` may be left out for a photo that `protect` wrote, whose manifest has them. `map` is one
    folder or caption file for all models, or one for each.
    """

    photo: Annotated[Path | None, Field(description="Photo to explain.")] = None
    caption: Annotated[str | None, Field(description="Caption of the photo."), _OF_THE_MANIFEST] = None
    trigger: Annotated[str | None, Field(description="Words of the trigger in the caption."), _OF_THE_MANIFEST] = None
    model: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="Model to look into: small (bundled), an open_clip name with its weights such as RN50:openai, "
            "or a checkpoint. Several are compared.",
        ),
    ]
    map: Annotated[
        tuple[Path, ...],
        Field(
            description="Folder or caption file of posts to draw as a t-SNE map: one for all models, or one for each."
        ),
    ] = ()
    output: Annotated[Path, Field(description="Folder to write figures and numbers to.")] = Path("explained")
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"
