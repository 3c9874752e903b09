/**
 * <rt-stream>: a realtime call with an rtstream server, as one custom element without dependencies.
 *
 *     <script src="rt-stream.js"></script>
 *     <rt-stream config='{"modality": "audio", "mode": "send-receive", "offer": "webrtc/offer"}'></rt-stream>
 *
 * docs/element.md is its contract: configuration, methods, events, messages, looks.
 */
(() => {
  "use strict";
  if (customElements.get("rt-stream")) return; // a second script on the page, or a Gradio page that mounts again

  /**
   * @typedef {"audio" | "video"} Kind
   * @typedef {"idle" | "asking" | "connecting" | "live" | "reconnecting" | "ended" | "failed"} State
   * @typedef {"error" | "warning" | "info"} Tone
   * @typedef {{type: string, data?: any, reason?: string, message?: string, code?: string, why?: string,
   *   fix?: string}} Message
   * @typedef {{name: string, label?: string, kind: "number" | "text" | "checkbox" | "choice", value?: any,
   *   minimum?: number | null, maximum?: number | null, step?: number | null, choices?: any[]}} Input
   * @typedef {{at: number, lost: number, got: number, sent: number, received: number, held: number, out: number}} Counts
   * @typedef {Object} Stats seconds, a fraction, bits a second; null where unknown
   * @property {number | null} roundTrip
   * @property {number | null} jitter
   * @property {number | null} latency half a round trip and what the jitter buffer holds
   * @property {number | null} loss
   * @property {number | null} sent
   * @property {number | null} received
   * @typedef {Object} Config
   * @property {"send" | "receive" | "send-receive"} mode which way the media goes, seen from this page
   * @property {Kind | "audio-video"} modality
   * @property {string} offer address of the route that answers offers
   * @property {RTCConfiguration | string | (() => any) | null} [rtc_configuration] or what gives it
   * @property {Record<string, any> | null} [track_constraints] of getUserMedia: flat, or {audio: …, video: …}
   * @property {Record<string, any> | null} [rtp_params] for the encodings of the senders
   * @property {number | null} [time_limit] seconds that a call may last; it is the server that ends it
   * @property {Input[] | null} [inputs] the handler's additional inputs, as controls
   * @property {boolean} [outputs] show the additional outputs
   * @property {"wave" | "textbox"} [variant]
   * @property {string} [label]
   * @property {{start?: string, stop?: string, waiting?: string} | null} [button_labels]
   * @property {string | null} [icon]
   * @property {string | null} [icon_button_color]
   * @property {number | null} [icon_radius] percent
   * @property {string | null} [pulse_color]
   * @property {boolean | null} [full_screen]
   * @property {boolean} [mirror_webcam]
   * @property {boolean} [log]
   * @property {boolean} [resume]
   */

  const PING = 1000, DEAD_PINGS = 4, CONNECT_LIMIT = 15_000; // ms, but for DEAD_PINGS
  const TRICKLE_AFTER = 250, TRICKLE_EVERY = 100; // ms
  const RETRY = { first: 300, growth: 1.7, most: 5000, limit: 120_000 }; // ms, but for growth
  const RESUME_WITHIN = 15_000; // ms
  const TICK = 50, STATS = 1000, BAR = 5; // ms, ms, pixels
  const DECADES = 2.5; // the range of a meter: 2.5 powers of ten are 50 dB
  const LOG_LINES = 200;
  const DIRECTION = /** @type {const} */ ({ send: "sendonly", receive: "recvonly", "send-receive": "sendrecv" });

  /**
   * What a state is called, and which word stands on the button in it.
   * @type {Record<State, [string, "start" | "stop" | "waiting"]>}
   */
  const STATES = {
    idle: ["Not connected", "start"],
    asking: ["Waiting for your permission…", "waiting"],
    connecting: ["Connecting…", "waiting"],
    live: ["Connected", "stop"],
    reconnecting: ["Connection lost, trying again…", "stop"],
    ended: ["Call ended", "start"],
    failed: ["Not connected", "start"],
  };
  const BUTTON = { start: "Connect", stop: "Disconnect", waiting: "Cancel" };

  /** What went wrong and what to do, by the server's word, the browser's name of the error, or our own. */
  const TROUBLES = /** @type {Record<string, string>} */ ({
    NotAllowedError: "This page may not use your {device}. Allow it beside the address bar, then connect again.",
    NotFoundError: "No {device} was found. Plug one in, then connect again.",
    NotReadableError: "Another program holds your {device}. Close that program, then connect again.",
    AbortError: "Your {device} did not start. Close other programs that use it, then connect again.",
    OverconstrainedError: "Your {device} cannot do what is asked of it. Choose another one, then connect again.",
    insecure: "Browsers give out a {device} only over https or on localhost. Open this page there: "
      + "rtstream serve --https.",
    unplugged: "Your {device} is gone. Plug it in again, or choose another one.",
    speaker: "That speaker cannot be used. Choose another one.",
    concurrency_limit_reached: "All places are taken right now. Try again in a little while.",
    server_stopping: "The server is about to stop. Try again in a little while.",
    unreachable: "The server does not answer. Check that it runs and that you are online, then connect again.",
    no_path: "The server answered, but no media gets through. A firewall may be in the way: try another network.",
    relay: "The relay {host} does not answer, and there is no other way to the server. Try another network, or "
      + "tell whoever runs this page.",
    lost: "The server is gone. Check that it runs and that you are online, then connect again.",
    time_limit: "Your time is up. Connect again to go on.",
    failed: "The server has a fault and ended the call. Connect again; if it comes back, tell whoever runs this page.",
    handler: "The other side ended the call.",
    source_ended: "It has played to its end. Connect again to start over.",
  });
  const PASSING = ["concurrency_limit_reached", "server_stopping", "unreachable", "no_path", "lost"]; // worth a retry
  /** The tone of an end; else it is a warning. @type {Record<string, Tone>} */
  const ENDS = { handler: "info", source_ended: "info", failed: "error" };

  /** The events of a conversation, as the log says them; "" is not told. @type {Record<string, string>} */
  const SAID = {
    started_talking: "Speech heard", pause_detected: "Pause heard", response_starting: "Reply starts",
    stopword: "Stop word heard", fetch_output: "New output", send_input: "", output: "",
  };

  /** What the statistics are called and how they are written. @type {[keyof Stats, string, (value: number) => string][]} */
  const SHOWN_STATS = [
    ["roundTrip", "Round trip", (s) => `${Math.round(s * 1000)} ms`],
    ["latency", "Latency", (s) => `${Math.round(s * 1000)} ms`],
    ["jitter", "Jitter", (s) => `${Math.round(s * 1000)} ms`],
    ["loss", "Loss", (fraction) => `${(fraction * 100).toFixed(1)} %`],
    ["received", "Received", (bits) => `${Math.round(bits / 1000)} kbit/s`],
    ["sent", "Sent", (bits) => `${Math.round(bits / 1000)} kbit/s`],
  ];

  /** @param {number} ms */
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  /** @param {number} s */
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  /** Each text as a sentence, with its capital and its stop. @param {(string | undefined)[]} texts */
  const sentences = (...texts) => texts.filter(Boolean).map((text) =>
    text?.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()).replace(/([^.!?…])$/, "$1.")).join(" ");
  /** A value as text for people. @param {any} value @returns {string} */
  const worded = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));
  /** @param {Config} config */
  const kinds = (config) => /** @type {Kind[]} */ (config.modality.split("-"));

  /** What ended or prevented a call, with its code for a name. */
  class Trouble extends Error {
    /** @param {string} code @param {string} [words] @param {{device?: string[], host?: string}} [about] */
    constructor(code, words = TROUBLES[code] ?? code, { device = [], host = "" } = {}) {
      const devices = device.join(" or ").replace("audio", "microphone").replace("video", "camera");
      super(words.replace("{device}", devices).replace("{host}", host));
      this.name = code;
    }
  }

  /**
   * What a server says to a request, undefined when none was reached. A goodbye outlives the page that sends it.
   * @param {string} address @param {{type?: string}} [body]
   */
  async function request(address, body) {
    const headers = { "content-type": "application/json" }, signal = AbortSignal.timeout(CONNECT_LIMIT);
    const about = { method: body ? "POST" : "GET", headers, signal, keepalive: body?.type === "bye" };
    const response = await fetch(address, { ...about, body: JSON.stringify(body) }).catch(() => null);
    const answer = await response?.json().catch(() => undefined);
    return response?.ok || answer?.status === "failed" ? answer : undefined;
  }

  /** A server's answer if it is one; else the trouble that it speaks of is thrown. @param {any} answer */
  function granted(answer) {
    if (answer !== undefined && answer?.status !== "failed") return answer;
    const { error = "unreachable", what, fix } = answer?.meta ?? {};
    throw new Trouble(error, TROUBLES[error] ?? (sentences(what, fix) || undefined));
  }

  /** What is kept for the next load of this page; a page without storage keeps nothing. */
  const memory = {
    /** @param {string} key */
    recall(key) { try { return Number(sessionStorage.getItem(key)); } catch { return 0; } },
    /** @param {string} key @param {boolean} wanted */
    note(key, wanted) {
      try { wanted ? sessionStorage.setItem(key, String(Date.now())) : sessionStorage.removeItem(key); } catch { /* none */ }
    },
  };

  /** One peer connection, from its offer to its end. */
  class Call {
    /** @type {RTCPeerConnection} */ #pc;
    /** @type {RTCDataChannel} */ #channel;
    #config; #signal;
    /** @type {Promise<true>} */ #connected;
    #pulse = 0;
    #unanswered = -Infinity; // pings, counted from the first pong on: a server that knows no ping is left alone
    #pinged = 0; // when the ping that waits for its answer was sent
    /** @type {RTCIceCandidate[]} */ #candidates = [];
    #offered = false;
    #met = false; // whether it was ever connected
    #silentRelay = ""; // a TURN server that did not answer
    /** @type {Counts | null} */ #counted = null; // when the statistics were last asked for
    /** Seconds that the last ping took. @type {number | null} */ roundTrip = null;
    id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

    /**
     * @param {Config} config
     * @param {(body: object) => Promise<any>} signal
     * @param {RTCConfiguration} rtc
     * @param {Partial<Record<Kind, MediaStreamTrack>>} own
     * @param {{track: (track: MediaStreamTrack) => void, message: (message: Message) => void, open: () => void}} to
     */
    constructor(config, signal, rtc, own, to) {
      this.#config = config;
      this.#signal = signal;
      /** @type {(message: Partial<Message>) => void} */ this.end = () => {};
      /** @type {(trouble: Trouble) => void} */ this.fail = () => {};
      /** Settles once: with the message that ended the call, or with the trouble. @type {Promise<Partial<Message>>} */
      this.over = new Promise((end, fail) => { this.end = end; this.fail = fail; });
      this.over.catch(() => {}); // it may fail while nobody waits for it
      const pc = (this.#pc = new RTCPeerConnection(rtc));
      const direction = DIRECTION[config.mode];
      for (const kind of kinds(config)) pc.addTransceiver(own[kind] ?? kind, { direction });
      pc.ontrack = ({ track }) => to.track(track);
      pc.onicecandidate = ({ candidate }) => candidate?.candidate && this.#candidates.push(candidate);
      pc.onicecandidateerror = ({ url }) => { if (url?.startsWith("turn")) this.#silentRelay = url.split("?")[0]; };
      pc.onicegatheringstatechange = () => {
        // Nothing but a relay is allowed and none has answered: there is nothing to wait for.
        const stuck = rtc.iceTransportPolicy === "relay" && !this.#candidates.length;
        if (pc.iceGatheringState === "complete" && stuck) this.fail(this.#noPath());
      };
      this.#connected = new Promise((resolve) => {
        pc.onconnectionstatechange = () => {
          if (pc.connectionState === "connected") this.#met = true, resolve(true);
          if (pc.connectionState === "failed") this.fail(this.#met ? new Trouble("lost") : this.#noPath());
        };
      });
      this.#channel = pc.createDataChannel("text");
      this.#channel.onopen = () => {
        this.#pulse = setInterval(() => this.#ping(), PING);
        this.#ping();
        to.open();
      };
      this.#channel.onclose = () => this.fail(new Trouble("lost"));
      this.#channel.onmessage = ({ data }) => this.#hear(JSON.parse(data), to.message);
    }

    /** @param {Message} message @param {(message: Message) => void} onMessage */
    #hear(message, onMessage) {
      if (message.type === "pong") this.roundTrip = (performance.now() - this.#pinged) / 1000;
      if (message.type === "pong" || this.#unanswered > 0) this.#unanswered = 0;
      if (message.type === "pong") return;
      onMessage(message);
      if (message.type === "end_stream" && message.reason === "server_stopping") this.fail(new Trouble("lost"));
      if (message.type === "end_stream") this.end(message);
      if (message.type === "update_connection" && message.data === "closed") this.end({});
    }

    /** Offers, and returns when media can flow. Throws the trouble that prevents it. */
    async open() {
      const late = setTimeout(() => this.fail(this.#noPath()), CONNECT_LIMIT);
      await Promise.race([this.#negotiate(), this.over]).finally(() => clearTimeout(late));
    }

    #noPath() {
      return this.#silentRelay
        ? new Trouble("relay", undefined, { host: this.#silentRelay.replace(/^turns?:/, "") })
        : new Trouble("no_path");
    }

    async #negotiate() {
      await this.#pc.setLocalDescription();
      const offer = { type: "offer", sdp: this.#pc.localDescription?.sdp, webrtc_id: this.id };
      this.#offered = true; // from here on there may be a session that waits for us
      const answer = await this.#signal(offer).catch(() => undefined);
      this.#offered = answer?.type === "answer";
      await this.#pc.setRemoteDescription(granted(answer));
      await this.#encode();
      // The server learns our addresses from our own checks; only when these do not get through must it be told them.
      await Promise.race([this.#connected, sleep(TRICKLE_AFTER)]);
      while (!["connected", "completed"].includes(this.#pc.iceConnectionState)) {
        const candidates = this.#candidates.splice(0).map((candidate) => candidate.toJSON());
        const body = { type: "ice-candidate", candidates, webrtc_id: this.id };
        if (candidates.length) await this.#signal(body).catch(() => {}); // some may miss: others will do
        await Promise.race([this.#connected, sleep(TRICKLE_EVERY)]);
        if (this.#pc.signalingState === "closed") return;
      }
      await this.#connected;
    }

    /** Hands `rtp_params` to the senders. */
    async #encode() {
      const { degradationPreference, ...encoding } = this.#config.rtp_params ?? {};
      for (const sender of this.#config.rtp_params ? this.#pc.getSenders() : []) {
        const asked = sender.getParameters();
        asked.encodings = asked.encodings?.map((one) => ({ ...one, ...encoding })) ?? [encoding];
        if (degradationPreference) asked.degradationPreference = degradationPreference;
        const refused = sender.track && (await sender.setParameters(asked).catch((error) => error));
        if (refused) console.warn("rtp_params:", refused.message);
      }
    }

    #ping() {
      if (++this.#unanswered > DEAD_PINGS) this.fail(new Trouble("lost"));
      if (!(this.#unanswered > 1)) this.#pinged = performance.now();
      this.send({ type: "ping" });
    }

    /** @param {object} message */
    send(message) {
      if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
    }

    /** @param {MediaStreamTrack} track */
    replace(track) {
      return this.#pc.getSenders().find((sender) => sender.track?.kind === track.kind)?.replaceTrack(track);
    }

    /** How the connection does, averaged since it was last asked. @returns {Promise<Stats>} */
    async stats() {
      const now = { at: performance.now(), lost: 0, got: 0, sent: 0, received: 0, held: 0, out: 0 };
      let jitter = /** @type {number | null} */ (null), fraction = jitter, roundTrip = this.roundTrip;
      (await this.#pc.getStats()).forEach((one) => {
        if (one.type === "inbound-rtp") {
          now.lost += one.packetsLost ?? 0, now.got += one.packetsReceived ?? 0, now.received += one.bytesReceived ?? 0;
          now.held += one.jitterBufferDelay ?? 0, now.out += one.jitterBufferEmittedCount ?? 0;
          jitter = Math.max(jitter ?? 0, one.jitter ?? 0);
        } else if (one.type === "outbound-rtp") {
          now.sent += one.bytesSent ?? 0;
        } else if (one.type === "remote-inbound-rtp") {
          fraction = Math.max(fraction ?? 0, one.fractionLost ?? 0);
          roundTrip ??= one.roundTripTime ?? null;
          if (this.#config.mode === "send") jitter = Math.max(jitter ?? 0, one.jitter ?? 0);
        }
      });
      const before = this.#counted ?? { at: now.at - STATS, lost: 0, got: 0, sent: 0, received: 0, held: 0, out: 0 };
      this.#counted = now;
      const seconds = Math.max((now.at - before.at) / 1000, 0.001);
      const lost = Math.max(0, now.lost - before.lost), got = now.got - before.got, out = now.out - before.out;
      const { mode } = this.#config;
      const held = mode === "send" ? 0 : out > 0 ? (now.held - before.held) / out : null;
      return {
        roundTrip, jitter,
        latency: roundTrip === null || held === null ? null : roundTrip / 2 + held,
        loss: mode === "send" ? fraction : lost + got > 0 ? lost / (lost + got) : null,
        sent: mode === "receive" ? null : (8 * (now.sent - before.sent)) / seconds,
        received: mode === "send" ? null : (8 * (now.received - before.received)) / seconds,
      };
    }

    /** Says goodbye, which ends the session at once: without it the server would wait half a minute. */
    close(leaving = false) {
      clearInterval(this.#pulse);
      const open = this.#channel.readyState === "open";
      this.send({ type: "bye" });
      // A page that goes may not live until its last packet is sent.
      if (this.#offered && (leaving || !open)) this.#signal({ type: "bye", webrtc_id: this.id }).catch(() => {});
      this.#pc.close();
      this.fail(new Trouble("closed"));
    }
  }

  /** How loud a track is, drawn over the last seconds. */
  class Meter {
    #wave = new Float32Array(2048);
    /** @type {number[]} */ #past = [];
    /** @type {AnalyserNode | null} */ #analyser = null;
    #canvas;

    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
      this.#canvas = canvas;
      new ResizeObserver(() => this.draw()).observe(canvas);
    }

    /** @param {AudioContext} sound @param {MediaStreamTrack} track */
    listen(sound, track) {
      this.#analyser = new AnalyserNode(sound, { fftSize: this.#wave.length });
      sound.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
    }

    rest() {
      this.#analyser = null;
      this.#past = [];
      this.draw();
    }

    /** Root mean square of the last 43 ms, 0 to 1. */
    level() {
      if (!this.#analyser) return 0;
      this.#analyser.getFloatTimeDomainData(this.#wave);
      return Math.sqrt(this.#wave.reduce((sum, value) => sum + value * value, 0) / this.#wave.length);
    }

    /** Draws one more bar. @returns {number} its height, from 0 to 1: 0 is 50 dB below 1 */
    draw() {
      const { clientWidth: width, clientHeight: height } = this.#canvas;
      const bar = Math.min(1, Math.max(0, 1 + Math.log10(this.level() + 1e-9) / DECADES));
      this.#past = [...Array(Math.floor(width / BAR)).fill(0), ...this.#past, bar].slice(this.#past.length + 1);
      this.#canvas.setAttribute("aria-valuenow", String(Math.round(bar * 100)));
      this.#canvas.width = width * devicePixelRatio;
      this.#canvas.height = height * devicePixelRatio;
      const pen = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
      pen.scale(devicePixelRatio, devicePixelRatio);
      pen.fillStyle = getComputedStyle(this.#canvas).color;
      this.#past.forEach((value, index) => {
        const tall = Math.max(2, value * height);
        pen.globalAlpha = value ? 1 : 0.35;
        pen.fillRect(width - (this.#past.length - index) * BAR, (height - tall) / 2, BAR - 2, tall);
      });
      return bar;
    }
  }

  const SHADOW = `
<style>
  :host {
    display: block; color: var(--text); font: 1rem/1.5 var(--rt-font, system-ui, sans-serif);
    --accent: var(--rt-accent, light-dark(#3b5bdb, #91a7ff)); --danger: var(--rt-danger, light-dark(#c92a2a, #ff8787));
    --reply: var(--rt-reply, light-dark(#087f5b, #63e6be)); --border: var(--rt-border, light-dark(#dcdfe8, #2e333f));
    --text: var(--rt-text, light-dark(#1b1e28, #eceef4)); --quiet: var(--rt-quiet, light-dark(#5c6270, #a3aab8));
    --surface: var(--rt-surface, light-dark(#fff, #191c24)); --sunken: var(--rt-sunken, light-dark(#f3f4f8, #11131a));
    --pulse: var(--rt-pulse, var(--reply));
  }
  :host([hidden]), [hidden], .audio :is(.stage, .camera), .video :is(.lanes, .mic, .sound), :not(.on) > .stage > *,
  .receive :is(.you, .mic, .camera, #self), .send :is(.reply, .sound, #remote), :not(.talking) > * > #talk,
  .talking > * > #mute-audio, .quiet details, .video.receive #devices,
  .receive #devices:not(:has(> .sound:not([hidden]))) { display: none !important; }
  * { box-sizing: border-box; }
  #card { display: grid; gap: .9rem; padding: 1rem; background: var(--surface); border: 1px solid var(--border);
    border-radius: var(--rt-radius, 1rem); }
  #card:fullscreen { align-content: end; border-radius: 0; overflow: auto; grid-template-rows: 1fr; }
  #card:fullscreen > .stage { height: auto; min-height: 50vh; }
  .stage, .lane, button, select, input, textarea, #notice, .turn { border-radius: .7rem; }
  .stage { position: relative; height: min(30rem, 60vh, 66vw); background: var(--sunken); overflow: hidden; }
  .on .stage { background: #000; }
  video { position: absolute; width: 100%; height: 100%; object-fit: contain; }
  .mirrored #self { scale: -1 1; }
  .send-receive #self { right: .75rem; bottom: .75rem; width: auto; height: 24%; border-radius: .5rem;
    box-shadow: 0 0 0 2px #fff9; }
  #full { position: absolute; top: .6rem; right: .6rem; min-height: 2.5rem; font-size: .8125rem; color: #fff; background: #0009; border-color: #fff6; }
  .lanes { display: grid; gap: .5rem; font-size: .875rem; }
  .lane { display: grid; grid-template: 1fr / 3.5rem minmax(0, 1fr); align-items: center; padding: 0 .9rem; background: var(--sunken); }
  .you { color: var(--accent); }
  .reply { color: var(--reply); }
  .reply canvas { color: var(--pulse); }
  canvas { width: 100%; height: 3.5rem; }
  .audio-video canvas { height: 2.25rem; }
  .row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }
  button, select, input:not([type=checkbox], [type=range]), textarea { min-height: 2.75rem; padding: 0 1rem; font: inherit;
    font-size: .9375rem; color: inherit; background: var(--sunken); border: 1px solid var(--border); }
  button { font-weight: 550; white-space: nowrap; cursor: pointer; }
  :is(button, select, input, textarea):hover { border-color: currentColor; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  #call { display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-width: 8rem; border-color: #0000;
    color: light-dark(#fff, #11131a); background: var(--accent); }
  .on #call { background: var(--danger); box-shadow: 0 0 0 calc(var(--level, 0) * .5rem) color-mix(in srgb, var(--pulse) 35%, #0000); }
  #call img { height: 1.5rem; }
  #talk { flex: 1 1 12rem; touch-action: none; user-select: none; -webkit-user-select: none; }
  #talk.held { color: light-dark(#fff, #11131a); background: var(--reply); }
  .off { color: var(--danger); border-color: currentColor; }
  .status { display: flex; align-items: center; gap: .5rem; margin: 0 0 0 auto; font-size: .9375rem; color: var(--quiet); }
  .status::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; background: currentColor; }
  .live .status::before { background: var(--reply); }
  .failed .status::before { background: var(--danger); }
  .on:not(.live) .status::before { background: var(--accent); animation: pulse 1s infinite alternate; }
  @keyframes pulse { to { opacity: .2; } }
  #notice { display: flex; align-items: center; justify-content: space-between; gap: .5rem; padding: .4rem .2rem .4rem 1rem;
    --tone: var(--danger); color: var(--tone); background: color-mix(in srgb, var(--tone) 9%, var(--surface)); overflow-wrap: anywhere; }
  #notice.warning { --tone: light-dark(#8a5300, #ffc078); }
  #notice.info { --tone: var(--text); }
  #notice button { border: 0; background: none; }
  label { flex: 1 1 12rem; display: grid; gap: .2rem; font-size: .8125rem; color: var(--quiet); }
  label > span { display: flex; justify-content: space-between; }
  select, input:not([type=checkbox]), textarea { width: 100%; min-width: 0; color: var(--text); text-overflow: ellipsis; }
  select { padding: 0 .6rem !important; }
  .tick { display: flex; flex: none; align-items: center; gap: .5rem; min-height: 2.75rem; font-size: .9375rem; cursor: pointer; }
  input:is([type=checkbox], [type=range]) { accent-color: var(--accent); min-height: 1.25rem; margin: 0; }
  [type=checkbox] { width: 1.25rem; }
  textarea { padding: .6rem 1rem !important; resize: vertical; flex: 1; }
  form { flex-wrap: nowrap !important; }
  form > button { flex: none !important; padding: 0 1rem !important; }
  #devices, #inputs { align-items: end; }
  summary { width: fit-content; cursor: pointer; color: var(--quiet); font-size: .875rem; }
  [role=log] { max-height: 16rem; overflow: auto; scrollbar-width: thin; font-size: .8125rem; overflow-wrap: anywhere; white-space: pre-wrap; }
  details > [role=log] { max-height: 12rem; margin-top: .5rem; }
  #shown { display: grid; gap: .4rem; font-size: .9375rem; padding: .75rem; background: var(--sunken); border-radius: .7rem; }
  .turn { max-width: 85%; width: fit-content; padding: .35rem .8rem; background: var(--surface); border: 1px solid var(--border); }
  .turn.user { margin-left: auto; border-color: var(--accent); }
  dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .6rem; margin: .5rem 0 0; font-size: .8125rem; }
  dt { color: var(--quiet); }
  dd { margin: 0; font-size: .9375rem; }
  time { margin-right: .75rem; color: var(--quiet); }
  time, [role=timer], dd, output { font-variant-numeric: tabular-nums; }
  @media (max-width: 30rem) { .row > button { flex: 1 1 auto; padding: 0 .5rem; } .status { width: 100%; order: -1; } }
  @media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
</style>
<section id="card" part="card">
  <div class="stage" part="stage">
    <video id="remote" playsinline aria-label="Reply"></video>
    <video id="self" playsinline autoplay muted aria-label="Your camera"></video>
    <button id="full">Full screen</button>
  </div>
  <div class="lanes">
    <div class="lane you">You<canvas id="in" role="meter" aria-label="Your level" aria-valuemin="0" aria-valuemax="100"></canvas></div>
    <div class="lane reply">Reply<canvas id="out" role="meter" aria-label="Reply level" aria-valuemin="0" aria-valuemax="100"></canvas></div>
  </div>
  <form class="row" id="typing" hidden>
    <textarea id="text" rows="1" aria-label="Your message" placeholder="Type a message"></textarea>
    <button>Send</button>
  </form>
  <div class="row">
    <button id="call" part="call"></button>
    <button id="talk">Hold to talk</button>
    <button id="mute-audio" class="mic">Mute</button>
    <button id="mute-video" class="camera">Hide camera</button>
    <button id="mute-speaker" class="sound">Silence reply</button>
    <button id="play" hidden>Play</button>
    <p class="status"><span id="state" role="status"></span><span id="time" role="timer"></span></p>
  </div>
  <div id="notice" part="notice" hidden><span id="words" role="alert"></span> <button id="dismiss">Dismiss</button></div>
  <div class="row" id="inputs" role="group" aria-label="Inputs" hidden></div>
  <div id="shown" role="log" tabindex="0" aria-label="Output" hidden><div id="chat"></div></div>
  <div class="row" id="devices">
    <label class="mic" hidden>Microphone<select id="pick-audio"></select></label>
    <label class="camera" hidden>Camera<select id="pick-video"></select></label>
    <label class="sound" hidden>Speaker<select id="pick-speaker"></select></label>
    <label class="mic tick"><input id="push" type="checkbox">Push to talk</label>
  </div>
  <details><summary>Statistics</summary><dl id="stats"></dl></details>
  <details><summary>Events</summary><div id="log" role="log" tabindex="0" aria-label="Events"></div></details>
</section>`;

  class RtStream extends HTMLElement {
    static observedAttributes = ["config", "mode", "modality", "offer"];
    /** @type {State} */ state = "idle";
    /** @type {Config} */ #config = { mode: "send-receive", modality: "audio", offer: "webrtc/offer" };
    /** From "connect" to the end, over all reconnections. @type {AbortController | null} */ #run = null;
    /** @type {Call | null} */ #call = null;
    /** @type {AudioContext | null} */ #sound = null;
    /** @type {Partial<Record<Kind, MediaStreamTrack>>} */ #own = {};
    #muted = { audio: false, video: false };
    #talk = { pushed: false, held: false };
    #device = { audio: "", video: "", speaker: "" }; // chosen ids
    /** @type {any[] | null} */ #values = null; // of the additional inputs; null until somebody set some
    #since = 0; // when the call went live, by performance.now(); 0 until it does
    /** @type {number[]} */ #ticks = [];
    #mayResume = true;
    /** @type {{in: Meter, out: Meter}} */ #meters;

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).innerHTML = SHADOW;
      this.#meters = { in: new Meter(this.#part("in")), out: new Meter(this.#part("out")) };
      this.#part("call").onclick = () => (this.#run ? this.stop() : this.start());
      this.#part("mute-audio").onclick = () => this.muteMic();
      this.#part("mute-video").onclick = () => this.muteCamera();
      this.#part("mute-speaker").onclick = () => this.muteSpeaker();
      this.#part("full").onclick = () => this.fullScreen();
      this.#part("push").onchange = () => {
        this.pushToTalk(this.#part("push").checked);
        if (this.#talk.pushed) this.#part("talk").focus(); // else the space bar would take the tick away again
      };
      for (const kind of /** @type {const} */ (["audio", "video", "speaker"])) {
        const pick = this.#part(`pick-${kind}`);
        pick.onchange = () => this.switchDevice(kind, pick.value);
      }
      this.#part("play").onclick = () => this.#play();
      this.#part("dismiss").onclick = () => { this.#part("notice").hidden = true; };
      this.#part("typing").onsubmit = (/** @type {SubmitEvent} */ event) => this.#submit(event);
      this.#part("text").onkeydown = (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
      };
      this.#part("inputs").oninput = () => this.#moved();
      this.#listenToTalk(this.#part("talk"));
    }

    connectedCallback() {
      addEventListener("pagehide", this.#leave);
      addEventListener("keydown", this.#space);
      addEventListener("keyup", this.#space);
      document.addEventListener("fullscreenchange", this.#nameFullScreen);
      navigator.mediaDevices?.addEventListener("devicechange", this.#listDevices);
      this.#set(this.state);
      if (this.hasAttribute("config") || this.hasAttribute("offer")) this.#resume();
    }

    disconnectedCallback() {
      removeEventListener("pagehide", this.#leave);
      removeEventListener("keydown", this.#space);
      removeEventListener("keyup", this.#space);
      document.removeEventListener("fullscreenchange", this.#nameFullScreen);
      navigator.mediaDevices?.removeEventListener("devicechange", this.#listDevices);
      queueMicrotask(() => this.isConnected || this.#leave()); // a move within the page is no goodbye
    }

    /** @param {string} name @param {string | null} _old @param {string | null} value */
    attributeChangedCallback(name, _old, value) {
      if (value !== null) this.config = name === "config" ? JSON.parse(value) : { [name]: value };
    }

    /** @returns {Config} */
    get config() { return this.#config; }

    /** Changes what is given and keeps the rest. @param {Partial<Config>} changes */
    set config(changes) {
      this.#config = { ...this.#config, ...changes };
      if ("inputs" in changes) this.#showInputs();
      this.#dress();
      if (this.isConnected) this.#resume();
    }

    /** The id of the connection, "" while there is none. */
    get webrtcId() { return this.#run ? this.#call?.id ?? "" : ""; }

    /** Asks for the devices, connects, and stays connected until the call is ended. */
    async start() {
      if (this.#run) return;
      const { signal } = (this.#run = new AbortController());
      this.#sound = new AudioContext(); // here, in the click: later the browser would keep it silent
      this.#ticks = [setInterval(() => this.#beat(), TICK), setInterval(() => this.#measure(), STATS)];
      this.#since = 0;
      this.#part("notice").hidden = true;
      try {
        if (this.#config.mode !== "receive") {
          this.#set("asking");
          (await this.#capture(kinds(this.#config), signal)).forEach((track) => this.#adopt(track));
        }
        this.#listDevices();
        const { reason = "handler", data } = await this.#converse(signal);
        const told = reason === "failed" && !this.#part("notice").hidden; // by the error that ended it
        this.#finish("ended");
        if (!told) this.#tell(ENDS[reason] ?? "warning", reason, TROUBLES[reason] ?? sentences(data ?? reason));
      } catch (error) {
        if (signal.aborted) return; // stop() has cleaned up
        this.#finish("failed");
        const { name, message } = /** @type {Error} */ (error);
        this.#tell("error", name, message);
      }
    }

    /** Says goodbye to the server and lets go of the devices. */
    stop() {
      if (this.#run) this.#finish("ended");
    }

    muteMic(muted = !this.#muted.audio) { this.#mute("audio", muted, muted ? "Unmute" : "Mute"); }

    muteCamera(muted = !this.#muted.video) { this.#mute("video", muted, muted ? "Show camera" : "Hide camera"); }

    muteSpeaker(muted = !this.#part("remote").muted) {
      this.#part("remote").muted = muted;
      this.#label("mute-speaker", muted, muted ? "Hear reply" : "Silence reply");
    }

    /** The microphone is heard only while the button or the space bar is held. */
    pushToTalk(on = !this.#talk.pushed) {
      this.#talk = { pushed: on, held: false };
      this.#part("push").checked = on;
      this.#dress();
      this.#open("audio");
    }

    /** Takes another device, at once when a call is live. @param {Kind | "speaker"} kind @param {string} id */
    async switchDevice(kind, id) {
      this.#device[kind] = id;
      if (kind === "speaker") return this.#useSpeaker();
      if (!this.#run || !this.#own[kind]) return;
      const { signal } = this.#run;
      if (kind === "video") this.#own.video?.stop(); // many a phone opens only one camera at a time
      try {
        const [track] = await this.#capture([kind], signal);
        this.#adopt(track);
        await this.#call?.replace(track);
      } catch (error) {
        const { name, message } = /** @type {Error} */ (error);
        if (!signal.aborted) this.#tell("error", name, message);
      }
      this.#listDevices();
    }

    /** How loud it is, root mean square from 0 to 1: `in` goes to the server, `out` comes from it. */
    level() { return { in: this.#meters.in.level(), out: this.#meters.out.level() }; }

    /** How the connection does; all null while there is none. @returns {Promise<Stats>} */
    async stats() {
      const none = { roundTrip: null, jitter: null, latency: null, loss: null, sent: null, received: null };
      return this.state === "live" && this.#call ? this.#call.stats() : none;
    }

    /** Sends a message over the data channel. @param {object} message */
    send(message) { this.#call?.send(message); }

    /**
     * Sends the additional inputs, now and after each reconnection.
     * @param {any[]} values in the order of the parameters
     */
    setInputs(values) {
      this.#values = values;
      this.send({ type: "set_input", data: values });
    }

    /** Lets the picture fill the screen, or no longer. */
    fullScreen(on = document.fullscreenElement !== this) {
      const card = this.#part("card"), remote = this.#part("remote");
      if (!on) document.exitFullscreen?.();
      else if (card.requestFullscreen) card.requestFullscreen().catch(() => {}); // only a click may do it
      else (remote.srcObject ? remote : this.#part("self")).webkitEnterFullscreen?.(); // telephones of Apple
    }

    /**
     * Tells the server and promises its reply; replaced where that goes another way.
     * @param {object} body @returns {Promise<any>}
     */
    signal(body) { return request(this.#config.offer, body); }

    /** Calls, and calls again when a live call is lost, until one is ended. @param {AbortSignal} signal */
    async #converse(signal) {
      this.#set("connecting");
      for (let pause = RETRY.first, lost = 0; ; pause = Math.min(RETRY.most, pause * RETRY.growth)) {
        try {
          const call = await this.#dial(signal);
          [pause, lost] = [RETRY.first, 0];
          return await call.over;
        } catch (error) {
          lost ||= performance.now();
          const hope = PASSING.includes(/** @type {Error} */ (error).name) && performance.now() - lost < RETRY.limit;
          if (signal.aborted || !this.#since || !hope) throw error;
        }
        this.#call?.close();
        memory.note(this.#place, this.#config.resume !== false);
        if (this.state !== "reconnecting") this.#set("reconnecting");
        await sleep(pause);
        signal.throwIfAborted();
      }
    }

    /** @param {AbortSignal} signal */
    async #dial(signal) {
      const rtc = await this.#rtcConfiguration();
      signal.throwIfAborted();
      const remote = new MediaStream();
      const call = new Call(this.#config, async (body) => this.signal(body), rtc, this.#own, {
        track: (track) => {
          remote.addTrack(track);
          this.#part("remote").srcObject = remote; // only now: a stream that is empty at first is not played
          if (track.kind === "audio" && this.#sound) this.#meters.out.listen(this.#sound, track);
          this.#play();
        },
        message: (message) => this.#heard(message),
        open: () => {
          if (this.#config.outputs) call.send({ type: "take_outputs" });
          if (this.#values) call.send({ type: "set_input", data: this.#values });
        },
      });
      this.#call = call;
      this.#emit("id", { id: call.id });
      await call.open();
      signal.throwIfAborted();
      this.#since = performance.now();
      this.#set("live");
      if (this.shadowRoot?.activeElement === this.#part("call")) this.#part("talk").focus(); // if it is shown
      return call;
    }

    /** @returns {Promise<RTCConfiguration>} */
    async #rtcConfiguration() {
      const { rtc_configuration: given } = this.#config;
      if (typeof given === "function") return (await given()) ?? {};
      return (typeof given === "string" ? granted(await request(given)) : given) ?? {};
    }

    /** @param {Kind[]} device @param {AbortSignal} signal */
    async #capture(device, signal) {
      const wanted = Object.fromEntries(device.map((kind) => [kind, this.#constraints(kind)]));
      try {
        if (!navigator.mediaDevices) throw new Trouble("insecure", undefined, { device });
        const tracks = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();
        if (signal.aborted) tracks.forEach((track) => track.stop());
        return tracks;
      } catch (error) {
        const { name, message } = /** @type {Error} */ (error);
        throw new Trouble(name, TROUBLES[name] ?? `Your {device} cannot be opened: ${message || name}.`, { device });
      } finally {
        signal.throwIfAborted();
      }
    }

    /** What is asked of a device. Flat constraints are meant for the picture where there are both. @param {Kind} kind */
    #constraints(kind) {
      const { modality, track_constraints: asked } = this.#config;
      const flat = modality === "audio-video" && kind === "audio" ? {} : asked;
      const device = this.#device[kind] && { deviceId: { exact: this.#device[kind] } };
      const given = asked && ("audio" in asked || "video" in asked) ? asked[kind] : flat;
      return { ...(typeof given === "object" ? given : {}), ...(device || {}) };
    }

    /** Puts a track in the place of the one of its kind. @param {MediaStreamTrack} track */
    #adopt(track) {
      const kind = /** @type {Kind} */ (track.kind);
      this.#own[kind]?.stop();
      this.#own[kind] = track;
      this.#open(kind);
      const { message } = new Trouble("unplugged", undefined, { device: [kind] });
      track.onended = () => this.#tell("warning", "unplugged", message);
      if (kind === "audio" && this.#sound) this.#meters.in.listen(this.#sound, track);
      else this.#part("self").srcObject = new MediaStream([track]);
    }

    /** Lets a track be heard or seen, or keeps it silent, as it was last asked for. @param {Kind} kind */
    #open(kind) {
      const silent = this.#muted[kind] || (kind === "audio" && this.#talk.pushed && !this.#talk.held);
      const track = this.#own[kind];
      if (track) track.enabled = !silent;
    }

    /** @param {Kind} kind @param {boolean} muted @param {string} label */
    #mute(kind, muted, label) {
      this.#muted[kind] = muted;
      this.#open(kind);
      this.#label(`mute-${kind}`, muted, label);
    }

    /** @param {string} id @param {boolean} off @param {string} label */
    #label(id, off, label) {
      this.#part(id).textContent = label;
      this.#part(id).classList.toggle("off", off);
    }

    /** @param {HTMLButtonElement} button */
    #listenToTalk(button) {
      const key = (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        if (!event.repeat) this.#hold(event.type === "keydown");
      };
      button.onpointerdown = ({ pointerId }) => { button.setPointerCapture?.(pointerId); this.#hold(true); };
      button.onlostpointercapture = button.onpointerup = button.onpointercancel = button.onblur = () => this.#hold(false);
      button.onkeydown = button.onkeyup = key;
      button.oncontextmenu = (event) => event.preventDefault(); // a long touch
    }

    /** The space bar anywhere on the page, unless it has a use where it is pressed. @param {KeyboardEvent} event */
    #space = (event) => {
      const at = event.composedPath()[0];
      const own = "input, textarea, select, button, summary, a";
      const taken = at instanceof HTMLElement && (at.isContentEditable || at.matches(own));
      if (event.key !== " " || !this.#talk.pushed || !this.#run || taken) return;
      event.preventDefault(); // it would scroll
      if (!event.repeat) this.#hold(event.type === "keydown");
    };

    /** @param {boolean} held */
    #hold(held) {
      this.#talk.held = held;
      this.#open("audio");
      this.#part("talk").classList.toggle("held", held && this.#talk.pushed);
    }

    /** Plays what comes in; where the browser wants a click first, shows a button for it. */
    async #play() {
      this.#sound?.resume();
      this.#useSpeaker();
      const refusal = await this.#part("remote").play().catch((/** @type {Error} */ error) => error);
      this.#part("play").hidden = refusal?.name !== "NotAllowedError";
    }

    async #useSpeaker() {
      if (!this.#device.speaker) return;
      const remote = this.#part("remote");
      const refused = await remote.setSinkId(this.#device.speaker).catch((/** @type {Error} */ error) => error);
      if (refused) this.#tell("error", "speaker", TROUBLES.speaker);
    }

    /** @param {Message} message */
    #heard(message) {
      const { type, code = type, why, fix, data } = message;
      const serious = type === "error" || type === "warning";
      if (serious) this.#tell(type, code, sentences(message.message, fix));
      if (type === "output") this.#show(data);
      if (type === "send_input" && this.#values) this.setInputs(this.#values);
      const note = serious ? sentences(why) : SAID[data] ?? SAID[type] ?? data ?? type;
      if (note) this.#note(worded(note));
      this.#emit("message", message);
    }

    // What is shown.

    /** Makes the controls of the additional inputs anew. */
    #showInputs() {
      const given = this.#config.inputs ?? [];
      this.#part("inputs").hidden = !given.length;
      this.#part("inputs").replaceChildren(...given.map((input) => this.#control(input)));
      this.#values = given.length ? this.#controls() : null;
    }

    /** One input as a labelled control. @param {Input} input */
    #control({ name, label = name, kind, value, minimum, maximum, step, choices = [] }) {
      const ranged = kind === "number" && typeof minimum === "number" && typeof maximum === "number";
      const field = document.createElement(kind === "choice" ? "select" : "input");
      if (field instanceof HTMLSelectElement) {
        field.append(...choices.map((choice, index) => new Option(worded(choice), String(index))));
        field.value = String(choices.indexOf(value));
      } else {
        field.type = kind === "checkbox" ? "checkbox" : ranged ? "range" : kind;
        if (kind === "number") Object.assign(field, { min: minimum ?? "", max: maximum ?? "", step: step ?? "any" });
        if (kind === "checkbox") field.checked = Boolean(value);
        else field.value = String(value ?? "");
      }
      const all = document.createElement("label"), caption = document.createElement("span");
      caption.append(label);
      if (ranged) caption.append(Object.assign(document.createElement("output"), { value: field.value }));
      all.append(...(kind === "checkbox" ? [field, caption] : [caption, field]));
      all.classList.toggle("tick", kind === "checkbox");
      return all;
    }

    /** What the controls say, in their order; null for a number that is none. @returns {any[]} */
    #controls() {
      const fields = [...this.#part("inputs").querySelectorAll("input, select")];
      return fields.map((field, index) => {
        const { kind, choices = [] } = /** @type {Input[]} */ (this.#config.inputs)[index];
        if (kind === "choice") return choices[Number(field.value)];
        if (kind === "checkbox") return field.checked;
        return kind !== "number" ? field.value : Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : null;
      });
    }

    #moved() {
      for (const output of this.#part("inputs").querySelectorAll("output")) {
        output.value = output.closest("label").querySelector("input").value;
      }
      const values = this.#controls();
      if (values.includes(null)) return; // a number is being typed
      this.setInputs(values);
      this.#emit("inputs", { values });
    }

    /** Shows an additional output: a chat history in the place of the last one, anything else below it. @param {any} data */
    #show(data) {
      for (const value of Array.isArray(data) ? data : [data]) {
        const chat = Array.isArray(value) && value.length > 0 && value.every((turn) => turn?.role && "content" in turn);
        const lines = chat ? value : [{ content: value }];
        const shown = lines.map(({ role = "value", content }) => {
          const line = document.createElement("div");
          line.className = role === "value" ? "" : `turn ${role === "user" ? "user" : ""}`;
          line.append(worded(content));
          return line;
        });
        if (chat) this.#part("chat").replaceChildren(...shown);
        else this.#append(this.#part("shown"), shown[0]);
      }
      this.#part("shown").hidden = false;
      this.#part("shown").scrollTop = this.#part("shown").scrollHeight;
    }

    /** @param {Event} event */
    #submit(event) {
      event.preventDefault();
      const text = this.#part("text").value.trim();
      if (!text) return;
      this.#part("text").value = "";
      this.#note(text);
      this.#emit("submit", { text });
    }

    #listDevices = async () => {
      const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
      const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;
      for (const kind of /** @type {const} */ (["audio", "video", "speaker"])) {
        const pick = this.#part(`pick-${kind}`), type = kind === "speaker" ? "audiooutput" : `${kind}input`;
        const named = devices.filter((device) => device.kind === type && device.label); // once permitted
        const current = kind === "speaker" ? undefined : this.#own[kind]?.getSettings().deviceId;
        pick.replaceChildren(...named.map((device) => new Option(device.label, device.deviceId)));
        pick.value = current ?? (this.#device[kind] || named[0]?.deviceId);
        pick.parentElement.hidden = !named.length || (kind === "speaker" && !canChooseSpeaker);
      }
    };

    #nameFullScreen = () => {
      this.#part("full").textContent = document.fullscreenElement === this ? "Leave full screen" : "Full screen";
    };

    /** The name under which a lost call is remembered. */
    get #place() { return `rt-stream ${location.pathname} ${this.#config.offer} ${this.id}`; }

    /** Goes on with a call that was lost just before the page was loaded again. */
    #resume() {
      if (!this.#mayResume) return;
      this.#mayResume = false;
      const lost = memory.recall(this.#place);
      if (this.#config.resume !== false && Date.now() - lost < RESUME_WITHIN) this.start();
    }

    /** Ends the call because the page goes; one that was just lost may go on in the next page. */
    #leave = () => {
      if (this.#run) this.#finish("ended", true);
    };

    /** @param {State} state @param {boolean} [leaving] whether the page goes, which may come back and go on */
    #finish(state, leaving = false) {
      if (!leaving) memory.note(this.#place, false);
      this.#run?.abort();
      this.#run = null;
      this.#call?.close(leaving);
      this.#call = null;
      Object.values(this.#own).forEach((track) => track.stop());
      this.#own = {};
      this.#ticks.forEach((tick) => clearInterval(tick));
      Object.values(this.#meters).forEach((meter) => meter.rest());
      this.#sound?.close();
      this.#sound = null;
      this.#hold(false);
      this.#part("play").hidden = true;
      this.#set(state);
    }

    /** @param {State} state */
    #set(state) {
      this.state = state;
      this.setAttribute("state", state);
      const [words] = STATES[state];
      this.#part("state").textContent = words;
      this.#dress();
      this.#note(words);
      this.#emit("state", { state, words });
    }

    /** Names modality, mode and state to the style sheet, which hides what they do not need; says what the config says. */
    #dress() {
      const { modality, mode, mirror_webcam, log, full_screen, variant, label, button_labels, icon } = this.#config;
      const card = this.#part("card"), call = this.#part("call");
      const classes = { on: this.#run, talking: this.#talk.pushed && mode !== "receive" && modality !== "video",
        mirrored: mirror_webcam !== false, quiet: log === false };
      const on = Object.entries(classes).filter(([, holds]) => holds).map(([name]) => name);
      card.className = [modality, mode, this.state, ...on].join(" ");
      card.setAttribute("aria-label", label ?? "Call");
      const [, action] = STATES[this.state];
      call.replaceChildren(button_labels?.[action] ?? BUTTON[action]);
      if (icon) call.prepend(Object.assign(document.createElement("img"), { src: icon, alt: "" }));
      const looks = { background: this.#run ? "" : this.#config.icon_button_color ?? "",
        borderRadius: this.#config.icon_radius == null ? "" : `${this.#config.icon_radius}%` };
      Object.assign(call.style, looks);
      if (this.#config.pulse_color) card.style.setProperty("--pulse", this.#config.pulse_color);
      this.#part("full").hidden = full_screen === false;
      this.#part("typing").hidden = variant !== "textbox";
    }

    #beat() {
      const [, loud] = [this.#meters.in.draw(), this.#meters.out.draw()];
      this.#part("card").style.setProperty("--level", loud.toFixed(2));
      if (this.state !== "live") return;
      const limit = this.#config.time_limit ? ` of ${clock(this.#config.time_limit)}` : "";
      const now = clock((performance.now() - this.#since) / 1000) + limit;
      if (this.#part("time").textContent !== now) this.#part("time").textContent = now;
    }

    async #measure() {
      if (this.state !== "live") return;
      const stats = await this.stats().catch(() => null); // the call ended meanwhile
      if (!stats) return;
      this.#part("stats").replaceChildren(...SHOWN_STATS.flatMap(([key, label, write]) => {
        const value = stats[key];
        if (value === null) return [];
        const one = document.createElement("div");
        one.append(...[["dt", label], ["dd", write(value)]].map(([tag, text]) =>
          Object.assign(document.createElement(tag), { textContent: text })));
        return [one];
      }));
      this.#emit("stats", stats);
    }

    /**
     * Tells a person; whoever embeds the element may tell it otherwise.
     * @param {Tone} tone @param {string} code @param {string} words
     */
    #tell(tone, code, words) {
      this.#note(words);
      if (!this.#emit(tone, { code, words })) return;
      this.#part("words").textContent = words;
      this.#part("notice").className = tone;
      this.#part("notice").hidden = false;
    }

    /** @param {string} words */
    #note(words) {
      const line = document.createElement("div"), time = document.createElement("time");
      time.textContent = new Date().toLocaleTimeString();
      line.append(time, words);
      this.#append(this.#part("log"), line);
    }

    /** @param {HTMLElement} log @param {HTMLElement} line */
    #append(log, line) {
      log.append(line);
      if (log.childElementCount > LOG_LINES) log.querySelector(":scope > div:not([id])")?.remove();
      log.scrollTop = log.scrollHeight;
    }

    /** @param {string} name @param {object} detail @returns {boolean} whether nobody prevented what it tells */
    #emit(name, detail) { return this.dispatchEvent(new CustomEvent(name, { detail, cancelable: true })); }

    /** @param {string} id @returns {any} */
    #part(id) { return this.shadowRoot?.getElementById(id); }
  }

  customElements.define("rt-stream", RtStream);
})();
