"""Says back what was said, for the command line. A file of its own: the voice detector is loaded with it."""

from rtstream import ReplyOnPause


async def parrot(audio):
    yield audio


reply_on_pause = ReplyOnPause(parrot)
