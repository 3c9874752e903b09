"""The audio path without a socket: RTP and RTCP as machines over bytes, from packets to sound and back."""
