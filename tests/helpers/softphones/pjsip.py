"""A softphone on PJSIP: plays a file, presses keys, records what it hears, and tells as JSON how that was.

Arguments: the address to call, the keys, the seconds to stay, the file to say, the file to record to.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

pj: Any = import_module("pjsua2")  # not everywhere, and without types


class Softphone(pj.Call):  # type: ignore[misc]
    """One call: connected to its player and recorder when its sound is there."""

    def __init__(self, account: Any, said: str, heard: str) -> None:
        super().__init__(account)
        self.player, self.recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
        self.player.createPlayer(said)
        self.recorder.createRecorder(heard)
        self.talks = self.over = False
        self.keys = ""

    def onCallState(self, prm: Any) -> None:
        self.over = self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED

    def onDtmfDigit(self, prm: Any) -> None:
        self.keys += prm.digit

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # held: its media are a view of it
        for number, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(number)
                self.player.startTransmit(sound)
                sound.startTransmit(self.recorder)
                self.talks = True


def main(uri: str, keys: str, seconds: float, said: str, heard: str) -> None:
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.uaConfig.threadCnt = 1
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    account, settings = pj.Account(), pj.AccountConfig()
    settings.idUri = "sip:bob@127.0.0.1"
    settings.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    settings.mediaConfig.transportConfig.publicAddress = "127.0.0.1"
    account.create(settings)
    call = Softphone(account, said, heard)
    call.makeCall(uri, pj.CallOpParam(True))
    began, pressed = time.monotonic(), False
    while time.monotonic() - began < seconds and not call.over:
        time.sleep(0.02)
        if keys and not pressed and call.talks and time.monotonic() - began > seconds / 2:
            call.dialDtmf(keys)
            pressed = True
    sys.stdout.write(json.dumps({"talks": call.talks, "keys": call.keys, "closed": call.over}) + "\n")
    if not call.over:
        call.hangup(pj.CallOpParam())
    time.sleep(0.4)
    del call.player, call.recorder  # before the library ends, or it aborts
    del call, account
    endpoint.libDestroy()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4], sys.argv[5])
