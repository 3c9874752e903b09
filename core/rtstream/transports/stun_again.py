"""Keeps ICE through a network that loses datagrams: what is asked and what is answered is said again soon."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .again import Again
from .aioice_checks import Ask, Checks, Say
from .consent import Consent
from .contract import CHECKS
from .private_names import known

if TYPE_CHECKING:
    from aiortc import RTCDtlsTransport

FIRST = 0.1  # seconds until a check is said again; browsers: 0.05, aioice: 0.5
ANSWER_FIRST, ANSWER_TIMES = 0.05, 2  # after 0.05 and 0.15 s: who asks once may wait for half a second only
REMEMBERED = 16  # checks that were answered last


def outlast_loss(transport: RTCDtlsTransport) -> Callable[[], None]:
    """Let the ICE of a transport stand what a network loses; returns what ends that.

    Call it when the candidates are gathered. Where aioice is not known, it does as it does.
    """
    if not known(CHECKS):
        return lambda: None
    checks = Checks(transport)
    consent = Consent(checks.ask_for_consent)
    answers = _Answers(consent)

    async def keep_consent() -> None:
        await consent.keep()
        answers.end()
        await checks.close()

    checks.keep_consent_by(keep_consent)
    checks.ask_through(_asking_again)
    checks.answer_through(answers.through)
    return answers.end


def _asking_again(ask: Ask, say: Say) -> Ask:
    """Say what is asked while a pair is looked for again soon, beside what aioice does.

    RFC 8445 §14.3 wants 0.5 s or more, for many checks on a thin line; browsers have never waited that long.
    At 30 % loss each way half of all checks get no answer, and a call is given up that only was not lucky.
    """

    async def ask_again(
        request: Any, addr: Any, integrity_key: bytes | None = None, retransmissions: int | None = None
    ) -> Any:
        again = Again(FIRST)
        if retransmissions is None:  # else it is a check of consent
            again.begin(lambda: say(request, addr))
        try:
            return await ask(request, addr, integrity_key, retransmissions)
        finally:
            again.end()

    return ask_again


class _Answers:
    """What the far end's checks are answered: said three times where much is lost.

    Much is lost while checks of ours are, and where one of the far end's comes again. It then misses hardly
    more answers than checks of its own were lost on the way here. That matters to one such as aioice, which
    says a check again after 0.5, 1, 2 and 4 s, and one of consent not at all (RFC 7675 §5.1 has it so), and
    ends the call when six of those in a row seem to have got no answer. What comes twice is an answer that it
    no longer waits for, and ignores.
    """

    def __init__(self, consent: Consent) -> None:
        self._consent = consent
        self._again = Again(ANSWER_FIRST, ANSWER_TIMES)
        self._given = deque[bytes](maxlen=REMEMBERED)
        self.end = self._again.end

    def through(self, say: Say) -> Say:
        """Say an answer, and again if it should be."""

        def say_again(answer: Any, address: Any) -> None:
            say(answer, address)
            if self._consent.lossy or answer.transaction_id in self._given:
                self._again.begin(lambda: say(answer, address))
            self._given.append(answer.transaction_id)

        return say_again
