"""Finding a timm model's published weights: on this machine, then at the hub; quick to say when neither has them."""

from pathlib import Path
from typing import Any

from dataeff_core.errors import MissingWeights, NotFound

TIMEOUT_SECONDS = 5.0  # for the one question whether the hub can be reached
FILE_NAMES = ("model.safetensors", "pytorch_model.bin")


def check_name(model: str) -> None:
    """Raise NotFound, with near names, when timm has no model or no weights called `model` ('name' or 'name.tag')."""
    import timm

    name, _, tag = model.partition(".")
    if not timm.is_model(name):
        raise NotFound(f"timm has no model {name!r}{_near(name, timm.list_models())}; `timm:<model>` takes its names")
    tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{name}.*")]
    if tag and tag not in tags:
        listed = ", ".join(tags) or "none"
        raise NotFound(f"timm has no weights {tag!r} for {name}; there are: {listed}")


def _near(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=3, cutoff=0.5)
    return f" (near: {', '.join(near)})" if near else ""


def pretrained_file(model: str) -> Path:
    """The file with the published weights of a timm model, downloaded if it is not on this machine yet.

    Raises MissingWeights, within seconds, when it cannot be had.
    """
    import timm

    published = timm.get_pretrained_cfg(model, allow_unregistered=False)
    known = published.to_dict() if published is not None else {}
    if known.get("hf_hub_id"):
        return _from_hub(model, known)
    if known.get("url"):
        return _from_url(model, known["url"])
    raise MissingWeights(f"timm publishes no weights for {model}; give a file with --checkpoint FILE")


def _from_hub(model: str, known: dict[str, Any]) -> Path:
    from huggingface_hub import constants, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import get_session

    repository, _, revision = known["hf_hub_id"].partition("@")
    at = revision or None
    names = (known["hf_hub_filename"],) if known.get("hf_hub_filename") else FILE_NAMES
    for name in names:
        cached = try_to_load_from_cache(repository, name, revision=at)
        if isinstance(cached, str):
            return Path(cached)
    try:
        if constants.HF_HUB_OFFLINE:
            raise _missing(model, "downloads are switched off by HF_HUB_OFFLINE", constants.HF_HUB_CACHE)
        # one question without retries: the downloader itself would try for half a minute
        get_session().head(hf_hub_url(repository, names[0], revision=at), timeout=TIMEOUT_SECONDS)
        for name in names:
            try:
                return Path(hf_hub_download(repository, name, revision=at, etag_timeout=TIMEOUT_SECONDS))
            except LocalEntryNotFoundError:
                raise  # the connection broke
            except EntryNotFoundError:
                continue
    except (HTTPError, OSError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise _missing(model, f"the model hub cannot be reached ({why})", constants.HF_HUB_CACHE) from error
    raise _missing(model, "the model hub does not have them", constants.HF_HUB_CACHE)


def _from_url(model: str, url: str) -> Path:
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / url.rpartition("/")[2]
    if file.is_file():
        return file
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS):  # noqa: S310 an address of timm's own list
            folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), progress=False)
    except OSError as error:
        raise _missing(model, f"their address cannot be reached ({error})", str(folder)) from error
    return file


def _missing(model: str, reason: str, cache: str) -> MissingWeights:
    return MissingWeights(
        f"the weights of timm:{model} are not on this machine and {reason}; give a file with --checkpoint FILE, or "
        f"connect once so that they are downloaded (or copy the folder {cache} from a machine that has them)"
    )
