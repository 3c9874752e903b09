"""Words that no dictionary knows, spelled in the phones of pocketsphinx (ARPABET) by asking espeak-ng."""

from __future__ import annotations

from .espeak import engine

# espeak-ng's IPA for American English = ARPABET.
TABLE = """
aɪɚ=AY ER | aɪə=AY AH | aʊɚ=AW ER | ɔːɹ=AO R | oːɹ=AO R | ɑːɹ=AA R | ɪɹ=IH R | ɛɹ=EH R | ʊɹ=UH R
iə=IY AH | əl=AH L | n̩=AH N | l̩=AH L | m̩=AH M | tʃ=CH | dʒ=JH
eɪ=EY | aɪ=AY | aʊ=AW | oʊ=OW | əʊ=OW | ɔɪ=OY | iː=IY | uː=UW | ɑː=AA | ɔː=AO | ɜː=ER | oː=AO | aː=AA
i=IY | u=UW | ɪ=IH | ᵻ=IH | ɛ=EH | e=EH | æ=AE | a=AE | ʌ=AH | ə=AH | ɐ=AH | ɚ=ER | ɑ=AA | ɒ=AA | ɔ=AO
o=OW | ʊ=UH | b=B | d=D | ð=DH | f=F | ɡ=G | g=G | h=HH | j=Y | k=K | x=K | l=L | ɫ=L | m=M | n=N | ŋ=NG
p=P | ɹ=R | r=R | s=S | ʃ=SH | t=T | ɾ=T | ʔ=T | θ=TH | v=V | w=W | z=Z | ʒ=ZH
"""
PHONES = {
    ipa: phones
    for ipa, _, phones in (pair.strip().partition("=") for pair in TABLE.replace("\n", "|").split("|"))
    if ipa
}
LONGEST = max(map(len, PHONES))


def pronunciation(word: str) -> str:
    """The phones of a word, separated by spaces; "" if it cannot be said.

    Raises:
        MissingExtra: espeakng-loader is not installed.
    """
    phones: list[str] = []
    for phoneme in engine().phonemes(word):
        phones += _phones(phoneme.replace("ˈ", "").replace("ˌ", ""))
    return " ".join(phones)


def _phones(ipa: str) -> list[str]:
    """The phones of one or several phonemes written together."""
    found: list[str] = []
    while ipa:
        known = next((ipa[:size] for size in range(LONGEST, 0, -1) if ipa[:size] in PHONES), None)
        if known is not None:
            found.append(PHONES[known])
        ipa = ipa.removeprefix(known or ipa[0])
    return found
