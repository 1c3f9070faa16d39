"""Reports of `protect`, `doctor` and `preview`."""

from typing import Literal

from pydantic import Field

from unlearnable.report.common import Record, Report, RunReport, SkippedRecord, StoredRecord

CHANGED = "changed-while-running"  # why a photo was left out whose file was another one at the end of the run


class ManifestLine(StoredRecord):
    """One photo in the private manifest: what became of it."""

    source: str = Field(description="Path of the original, relative to PHOTOS, or place of a skipped caption record.")
    output: str | None = Field(default=None, description="Path of the copy in the output folder; null if skipped.")
    sha256_in: str | None = Field(default=None, description="SHA-256 of the original file; null if skipped.")
    post: str | None = Field(default=None, description="SHA-256 of photo and captions as they were found.")
    sha256_out: str | None = Field(default=None, description="SHA-256 of the copy; null if skipped.")
    bytes_in: int | None = Field(default=None, description="Size of the original file, in bytes; null if skipped.")
    bytes_out: int | None = Field(default=None, description="Size of the copy, in bytes; null if skipped.")
    width: int | None = Field(default=None, description="Width of the copy, in pixels; null if skipped.")
    height: int | None = Field(default=None, description="Height of the copy, in pixels; null if skipped.")
    quality: int | None = Field(default=None, description="Quality of a lossy copy, 1 to 100; null if lossless.")
    linf: int | None = Field(default=None, description="Largest change of a pixel, by noise and encoding, in 1/255.")
    noise_linf: int | None = Field(default=None, description="Largest value of the noise before encoding, in 1/255.")
    encoding_linf: int | None = Field(default=None, description="Largest change by the encoding alone, in 1/255.")
    noise_kept: float | None = Field(default=None, description="Share of the noise that is left in the copy.")
    psnr: float | None = Field(default=None, description="Peak signal-to-noise ratio of the copy, in dB.")
    ssim: float | None = Field(default=None, description="Structural similarity of the luma, at most 1.")
    flip: float | None = Field(default=None, description="Mean FLIP error, 0 to 1: how visible the noise is.")
    delta_e: float | None = Field(default=None, description="Mean CIEDE2000 difference at viewing size.")
    person: int = Field(default=0, description="Whose look it has, by a number from 1; 0 where captions name nobody.")
    look_delta_e: float | None = Field(default=None, description="Mean CIEDE2000 of greys and skin by its look.")
    middle_tint: list[float] = Field(default=[], description="Mean tint of the photos, which all looks go out from.")
    trigger: str = Field(default="", description="Words added to each caption; empty where there are none.")
    captions: list[str] = Field(default=[], description="Captions as they are published.")
    opt_out: str | None = Field(default=None, description="Opt-out in its XMP, such as DMI-PROHIBITED-AIMLTRAINING.")
    notes: list[str] = Field(default=[], description="What the photo lost in being written, such as frames.")
    status: Literal["protected", "skipped"] = Field(default="protected", description="Whether a copy was written.")
    reason: str | None = Field(default=None, description="Why it was skipped, one hyphenated word; null if protected.")
    detail: str | None = Field(default=None, description="Why it was skipped, in a few words; null if protected.")


class SurrogateLoss(Record):
    """Contrastive loss of one surrogate on the clean posts and on the written files with the re-read captions."""

    surrogate: str = Field(description="Name of the surrogate.")
    clean_pretrained: float = Field(description="Loss before the run on clean posts, in nats, equal captions masked.")
    clean_unmasked: float = Field(description="The same without the mask, in nats; protected posts must be below it.")
    protected_pretrained: float = Field(description="Loss before the run on the published posts, in nats.")
    protected_trained: float = Field(description="Loss after the run on the published posts, in nats.")


class TriggerFigures(Record):
    """How much the triggers of a run differ, one per photo."""

    distinct: int = Field(description="Number of different triggers.")
    distinct_1: float = Field(description="Different words over all words of the triggers, 0 to 1.")
    most_frequent: str = Field(description="The trigger that occurs most often.")
    most_frequent_share: float = Field(description="Share of the photos that have it, 0 to 1.")


class ProtectReport(RunReport):
    """The outcome of a `protect` run, measured on the written files."""

    private: str = Field(description="Private folder: originals are named in it, so it must not be published.")
    captions_file: str | None = Field(description="Name of the caption file that was read; null where there is none.")
    caption_format: str = Field(description="Format of the captions, a name that `unlearnable list formats` lists.")
    method: str = Field(description="Method of the protection.")
    photos: int = Field(description="Photos that were found.")
    protected: int = Field(description="Photos with a protected copy.")
    captions: int = Field(description="Captions that were written.")
    added: int = Field(default=0, description="Photos added to an earlier result; losses, rounds, seconds are theirs.")
    some_photos: bool = Field(default=False, description="Whether only some photos of the folder were asked for.")
    not_photos: dict[str, int] = Field(default={}, description="Other files: number of each suffix.")
    captions_found: int = Field(default=0, description="Photos that have a caption of the user's.")
    skipped: list[SkippedRecord] = Field(description="Photos and caption records that were left out.")
    bytes_in: int = Field(default=0, description="Size of the originals with copies, in bytes.")
    bytes_out: int = Field(default=0, description="Size of the copies, in bytes.")
    linf_max: int = Field(description="Largest change of a pixel value in any written file, in 1/255.")
    noise_linf_max: int | None = Field(default=None, description="Largest value of any noise, in 1/255.")
    noise_kept_mean: float | None = Field(default=None, description="Mean share of the noise left in the copies.")
    psnr_mean: float = Field(description="Mean peak signal-to-noise ratio of the copies, in dB.")
    psnr_min: float = Field(description="Lowest peak signal-to-noise ratio of a copy, in dB.")
    ssim_mean: float = Field(description="Mean structural similarity of the copies, at most 1.")
    flip_mean: float | None = Field(default=None, description="Mean FLIP error over the copies, 0 to 1.")
    flip_max: float | None = Field(default=None, description="FLIP error of the most visible noise, 0 to 1.")
    delta_e_mean: float | None = Field(default=None, description="Mean CIEDE2000 difference over the copies.")
    loss_first: float | None = Field(description="Mean loss on clean posts before the run, in nats; null for one.")
    loss_last: float | None = Field(description="Mean loss on published posts after the run, in nats; null for one.")
    loss_rounds: list[float] = Field(description="Mean loss after each round, in nats; empty for one photo.")
    losses: list[SurrogateLoss] = Field(description="Losses of each surrogate; empty for one photo.")
    rounds: int = Field(description="Rounds that were run.")
    stopped: Literal["threshold", "rounds"] = Field(description="Whether by a loss below it, or after all rounds.")
    surrogates: list[str] = Field(description="Models that the noise was made on: surrogates, then proxies.")
    surrogate_weights: list[str] = Field(default=[], description="SHA-256 of the weights of each, before the run.")
    trigger_roundtrip: float = Field(description="Share of the captions whose trigger a CLIP reads whole, 0 to 1.")
    triggers: TriggerFigures | None = Field(default=None, description="How much the triggers differ.")
    opt_out: int = Field(default=0, description="Copies that carry an opt-out from AI training, read back from them.")
    run: str = Field(description="Run key: hash of the settings and posts that the result depends on.")
    seed: int = Field(description="Seed that all randomness follows from.")
    notes: list[str] = Field(default=[], description="Remarks on this run for the user.")


class ProtectPlan(Report):
    """What `protect --dry-run` would do."""

    output: str = Field(description="Folder that would be published.")
    caption_format: str = Field(description="Format of the captions, a name that `unlearnable list formats` lists.")
    photos: int = Field(description="Photos that would be protected.")
    captions: int = Field(description="Captions that would be written.")
    not_photos: dict[str, int] = Field(default={}, description="Other files: number of each suffix.")
    captions_found: int = Field(default=0, description="Photos that have a caption of the user's.")
    skipped: list[SkippedRecord] = Field(description="Photos and caption records that would be left out.")
    surrogates: list[str] = Field(description="Models that the noise would be made on: surrogates, then proxies.")
    rounds_at_most: int = Field(description="Most rounds that would be run.")
    seconds_estimated: float | None = Field(description="Estimated time on one core, in seconds; null if unknown.")
    bytes_estimated: int = Field(description="Size of the copies as their pixels let expect, in bytes.")
    bytes_free: int = Field(default=0, description="Free space where they would be written, in bytes.")
    refused: str = Field(default="", description="Why the run would not begin as the folders are, and what to do.")


class FoundMetadata(Record):
    """One thing that the metadata of a photo tells of a person."""

    block: str = Field(description="Where it stands: EXIF, XMP, IPTC, or text (a comment or a text chunk).")
    kind: str = Field(description="place, name, description, device number, thumbnail, time, camera, unreadable.")
    name: str = Field(description="Name of the field.")
    value: str = Field(description="Its value in one line, cut after 80 characters.")


class PhotoMetadata(Report):
    """The opt-out that a photo carries, and what its metadata tells of a person."""

    file: str = Field(description="The photo.")
    opt_out: str | None = Field(description="plus:DataMining in its XMP, such as DMI-PROHIBITED-AIMLTRAINING.")
    found: list[FoundMetadata] = Field(description="What the metadata tells of a person.")


ProblemKind = Literal["missing", "changed", "extra", "private", "no-noise", "no-trigger", "unreadable", "unfinished"]


class FolderProblem(Record):
    """Something in a protected folder that is not as it should be."""

    where: str = Field(description="Path of the file, from the folder; '.' for the folder itself.")
    kind: ProblemKind = Field(description="Kind of fault; extra: not of the run; private: tells of a person.")
    detail: str = Field(description="The fault in a few words.")


class FolderCheck(Report):
    """A protected folder against the records in its private folder."""

    folder: str = Field(description="The protected folder.")
    files: int = Field(description="Files that the run published.")
    photos: int = Field(description="Photos in them.")
    compared: int = Field(description="Copies whose pixels were compared with an original that is still there.")
    problems: list[FolderProblem] = Field(description="All that is not as it should be; empty if nothing is.")


class PreviewReport(Report):
    """The outcome of `preview`."""

    output: str = Field(description="Path of the PNG that was written.")
    linf: int = Field(description="Largest change of a pixel value, in 1/255.")
    psnr: float | None = Field(description="Peak signal-to-noise ratio of the copy, in dB; null where both are equal.")
    ssim: float = Field(description="Structural similarity of the luma, at most 1.")
