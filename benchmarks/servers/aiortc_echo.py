"""aiortc with nothing on top: the track that came is sent back."""

from bare import answering

app = answering(lambda pc: pc.on("track", pc.addTrack))
