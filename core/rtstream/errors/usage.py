"""What the command or the call was given cannot be (exit code 2)."""

from __future__ import annotations

from .base import RtstreamError


class UsageError(RtstreamError):
    """The command or the call was given something that cannot be."""

    code = "RT2001"
    exit_code = 2
    status = 400
    slug = "usage"


class ConfigError(UsageError):
    """A configuration file or an environment variable says something that cannot be."""

    code = "RT2002"
    slug = "bad_config"


class OptionError(UsageError, ValueError):
    """An argument of `Stream(...)` cannot be, or does not go with another."""

    code = "RT2003"
    slug = "bad_option"


class ProjectRefused(UsageError):
    """`rtstream new` will not write there, or not under that name."""

    code = "RT2004"
    slug = "project_refused"


class MediaFileError(UsageError):
    """A media file is not there, holds no media, or cannot be read or written."""

    code = "RT2005"
    slug = "bad_media_file"
