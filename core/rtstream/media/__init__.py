"""Sound and pictures: frames, resampling, codecs, files."""
