/**
 * <rt-stream>: a realtime call with an rtstream server, as one custom element without dependencies.
 *
 *     <script src="rt-stream.js"></script>
 *     <rt-stream config='{"modality": "audio", "mode": "send-receive", "offer": "webrtc/offer"}'></rt-stream>
 *
 * Properties: config, state. Attributes: config (JSON), mode, modality, offer.
 * Methods: start(), stop(), muteMic(), muteCamera(), switchDevice(kind, id), level(), send(object).
 * Events: `state` {state, words}, `message` (as the server sent it), `error` and `warning` {code, words}.
 * Looks: color-scheme and --rt-accent, -danger, -text, -quiet, -surface, -sunken, -border, -reply, -radius, -font.
 */
(() => {
  "use strict";
  if (customElements.get("rt-stream")) return; // a second script on the page, or a Gradio page that mounts again

  /**
   * @typedef {"audio" | "video"} Kind
   * @typedef {"idle" | "asking" | "connecting" | "live" | "reconnecting" | "ended" | "failed"} State
   * @typedef {{type: string, data?: any, reason?: string}} Message
   * @typedef {Object} Config
   * @property {"send" | "receive" | "send-receive"} mode which way the media goes, seen from this page
   * @property {Kind | "audio-video"} modality
   * @property {string} offer address of the route that answers offers
   * @property {RTCConfiguration | string | null} [rtc_configuration] or the address that gives it as JSON
   * @property {Record<string, any> | null} [track_constraints] of getUserMedia: flat, or {audio: …, video: …}
   * @property {number | null} [time_limit] seconds that a call may last; it is the server that ends it
   */

  const PING = 1000, DEAD_PINGS = 4, CONNECT_LIMIT = 15_000, TRICKLE_AFTER = 250; // ms, but for DEAD_PINGS
  const RETRY = { first: 300, growth: 1.7, most: 5000, limit: 120_000 }; // ms, but for growth
  const TICK = 50, BAR = 5, DECADES = 2.5; // ms, pixels, and the range of a meter: 2.5 powers of ten are 50 dB
  const LOG_LINES = 200;
  const DIRECTION = { send: "sendonly", receive: "recvonly", "send-receive": "sendrecv" };

  /** What a state is called, and what the button does in it. @type {Record<State, [string, string]>} */
  const STATES = {
    idle: ["Not connected", "Connect"],
    asking: ["Waiting for your permission…", "Cancel"],
    connecting: ["Connecting…", "Cancel"],
    live: ["Connected", "Disconnect"],
    reconnecting: ["Connection lost, trying again…", "Disconnect"],
    ended: ["Call ended", "Connect"],
    failed: ["Not connected", "Connect"],
  };

  /** What went wrong and what to do, by the server's word, the browser's name of the error, or our own. */
  const TROUBLES = {
    NotAllowedError: "This page may not use your {device}. Allow it beside the address bar, then connect again.",
    NotFoundError: "No {device} was found. Plug one in, then connect again.",
    NotReadableError: "Another program holds your {device}. Close that program, then connect again.",
    OverconstrainedError: "Your {device} cannot do what is asked of it. Choose another one, then connect again.",
    insecure: "Browsers give out a {device} only over https or on localhost. Open this page there.",
    unplugged: "Your {device} is gone. Plug it in again, or choose another one.",
    concurrency_limit_reached: "All places are taken right now. Try again in a little while.",
    server_stopping: "The server is about to stop. Try again in a little while.",
    unreachable: "The server does not answer. Check that it runs and that you are online, then connect again.",
    no_path: "The server answered, but no media gets through. A firewall may be in the way: try another network.",
    lost: "The server is gone. Check that it runs and that you are online, then connect again.",
    time_limit: "Your time is up. Connect again to go on.",
    handler: "The other side ended the call.",
    source_ended: "It has played to its end. Connect again to start over.",
  };
  const PASSING = ["concurrency_limit_reached", "server_stopping", "unreachable", "no_path", "lost"]; // worth a retry

  /** The events of a conversation, as the log says them. */
  const SAID = {
    started_talking: "Speech heard", pause_detected: "Pause heard", response_starting: "Reply starts",
    stopword: "Stop word heard", fetch_output: "New output", send_input: "Inputs asked for",
  };

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const sentences = (...texts) => texts.filter(Boolean).map((text) => text.replace(/([^.!?…])$/, "$1.")).join(" ");

  /** What ended or prevented a call, with its code for a name. */
  class Trouble extends Error {
    constructor(code, words = TROUBLES[code] ?? code, kinds = []) {
      super(words.replace("{device}", kinds.join(" or ").replace("audio", "microphone").replace("video", "camera")));
      this.name = code;
    }
  }

  /** The server's answer to a request. Throws the trouble that it speaks of. @returns {Promise<any>} */
  async function ask(address, body) {
    const method = body ? "POST" : "GET", signal = AbortSignal.timeout(CONNECT_LIMIT);
    const request = { method, body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal };
    const response = await fetch(address, request).catch(() => null);
    const answer = await response?.json().catch(() => undefined);
    if (response?.ok && answer !== undefined && answer?.status !== "failed") return answer;
    const { error = "unreachable", what, fix } = answer?.meta ?? {};
    throw new Trouble(error, TROUBLES[error] ?? (sentences(what, fix) || undefined));
  }

  /** One peer connection, from its offer to its end. */
  class Call {
    #pc; #channel; #config; #connected;
    #pulse = 0;
    #unanswered = -Infinity; // pings, counted from the first pong on: a server that knows no ping is left alone
    #id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

    /** @param {Config} config @param {RTCConfiguration} rtc @param {Partial<Record<Kind, MediaStreamTrack>>} own */
    constructor(config, rtc, own, onTrack, onMessage) {
      this.#config = config;
      /** Settles once: with the words that ended the call, or with the trouble. @type {Promise<Partial<Message>>} */
      this.over = new Promise((end, fail) => { this.end = end; this.fail = fail; });
      this.over.catch(() => {}); // it may fail while nobody waits for it
      this.#pc = new RTCPeerConnection(rtc);
      const direction = DIRECTION[config.mode];
      for (const kind of config.modality.split("-")) this.#pc.addTransceiver(own[kind] ?? kind, { direction });
      this.#pc.ontrack = ({ track }) => onTrack(track);
      this.#connected = new Promise((resolve) => {
        this.#pc.onconnectionstatechange = () => {
          if (this.#pc.connectionState === "connected") resolve(true);
          if (this.#pc.connectionState === "failed") this.fail(new Trouble("lost"));
        };
      });
      this.#channel = this.#pc.createDataChannel("text");
      this.#channel.onopen = () => {
        this.#pulse = setInterval(() => this.#ping(), PING);
        this.#ping();
      };
      this.#channel.onclose = () => this.fail(new Trouble("lost"));
      this.#channel.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "pong" || this.#unanswered > 0) this.#unanswered = 0;
        if (message.type === "end_stream" && message.reason === "server_stopping") this.fail(new Trouble("lost"));
        if (message.type === "end_stream") this.end(message);
        if (message.type === "update_connection" && message.data === "closed") this.end({});
        if (message.type !== "pong") onMessage(message);
      };
    }

    /** Offers, and returns when media can flow. Throws the trouble that prevents it. */
    async open() {
      const late = setTimeout(() => this.fail(new Trouble("no_path")), CONNECT_LIMIT);
      await Promise.race([this.#negotiate().then(() => this.#connected), this.over]).finally(() => clearTimeout(late));
    }

    async #negotiate() {
      const candidates = [];
      this.#pc.onicecandidate = ({ candidate }) => candidate?.candidate && candidates.push(candidate);
      await this.#pc.setLocalDescription();
      const answer = await this.#tell({ type: "offer", sdp: this.#pc.localDescription.sdp });
      await this.#pc.setRemoteDescription(answer);
      // The server learns our addresses from our own checks; only when these do not get through must it be told them.
      await Promise.race([this.#connected, sleep(TRICKLE_AFTER)]);
      if (["connected", "completed"].includes(this.#pc.iceConnectionState)) return;
      const trickle = (candidate) => this.#tell({ type: "ice-candidate", candidate }).catch(() => {}); // one may miss
      this.#pc.onicecandidate = ({ candidate }) => candidate?.candidate && trickle(candidate);
      candidates.forEach(trickle);
    }

    #tell(body) {
      return ask(this.#config.offer, { webrtc_id: this.#id, ...body });
    }

    #ping() {
      if (++this.#unanswered > DEAD_PINGS) this.fail(new Trouble("lost"));
      this.send({ type: "ping" });
    }

    send(message) {
      if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
    }

    replace(track) {
      return this.#pc.getSenders().find((sender) => sender.track?.kind === track.kind)?.replaceTrack(track);
    }

    close() {
      clearInterval(this.#pulse);
      this.send({ type: "bye" }); // ends the session at once; left without it, the server waits half a minute
      this.#pc.close();
      this.fail(new Trouble("closed"));
    }
  }

  /** How loud a track is, drawn over the last seconds. */
  class Meter {
    #wave = new Float32Array(2048);
    #past = [];
    #analyser = null;

    constructor(canvas) {
      this.canvas = canvas;
      new ResizeObserver(() => this.draw()).observe(canvas);
    }

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

    draw() {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      const bar = Math.max(0, 1 + Math.log10(this.level() + 1e-9) / DECADES);
      this.#past = [...Array(Math.floor(width / BAR)).fill(0), ...this.#past, bar].slice(this.#past.length + 1);
      this.canvas.setAttribute("aria-valuenow", String(Math.round(bar * 100)));
      this.canvas.width = width * devicePixelRatio;
      this.canvas.height = height * devicePixelRatio;
      const pen = this.canvas.getContext("2d");
      pen.scale(devicePixelRatio, devicePixelRatio);
      pen.fillStyle = getComputedStyle(this.canvas).color;
      this.#past.forEach((value, index) => {
        const tall = Math.max(2, value * height);
        pen.globalAlpha = value ? 1 : 0.35;
        pen.fillRect(width - (this.#past.length - index) * BAR, (height - tall) / 2, BAR - 2, tall);
      });
    }
  }

  const SHADOW = `
<style>
  :host {
    color-scheme: light dark; display: block; color: var(--text); font: 1rem/1.5 var(--rt-font, system-ui, sans-serif);
    --accent: var(--rt-accent, light-dark(#3b5bdb, #91a7ff)); --danger: var(--rt-danger, light-dark(#c92a2a, #ff8787));
    --reply: var(--rt-reply, light-dark(#087f5b, #63e6be)); --border: var(--rt-border, light-dark(#dcdfe8, #2e333f));
    --text: var(--rt-text, light-dark(#1b1e28, #eceef4)); --quiet: var(--rt-quiet, light-dark(#5c6270, #a3aab8));
    --surface: var(--rt-surface, light-dark(#fff, #191c24)); --sunken: var(--rt-sunken, light-dark(#f3f4f8, #11131a));
  }
  :host([hidden]), [hidden], .audio :is(.stage, .camera), .video :is(.lanes, .mic), :not(.on) > .stage > video,
  .receive :is(.you, .mic, .camera, #self), .send :is(.reply, #remote) { display: none !important; }
  #card { display: grid; gap: .9rem; padding: 1rem; background: var(--surface); border: 1px solid var(--border);
    border-radius: var(--rt-radius, 1rem); }
  .stage, .lane, button, select, #notice { border-radius: .7rem; }
  .stage { position: relative; height: min(30rem, 60vh, 66vw); background: var(--sunken); overflow: hidden; }
  .on .stage { background: #000; }
  video { width: 100%; height: 100%; object-fit: contain; }
  #self { scale: -1 1; }
  .send-receive #self { position: absolute; right: .75rem; bottom: .75rem; width: auto; height: 24%;
    border-radius: .5rem; box-shadow: 0 0 0 2px #fff9; }
  .lanes { display: grid; gap: .5rem; font-size: .875rem; }
  .lane { display: grid; grid-template: 1fr / 3.5rem 1fr; align-items: center; padding: 0 .9rem; background: var(--sunken); }
  .you { color: var(--accent); }
  .reply { color: var(--reply); }
  canvas { width: 100%; height: 3.5rem; }
  .row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }
  button, select { min-height: 2.75rem; padding: 0 1rem; font: inherit; font-size: .9375rem; color: inherit;
    background: var(--sunken); border: 1px solid var(--border); }
  button { font-weight: 550; white-space: nowrap; cursor: pointer; }
  :is(button, select):hover { border-color: currentColor; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  #call { min-width: 8rem; color: light-dark(#fff, #11131a); background: var(--accent); border-color: #0000; }
  .on #call { background: var(--danger); }
  .off { color: var(--danger); border-color: currentColor; }
  .status { display: flex; align-items: center; gap: .5rem; margin: 0 0 0 auto; font-size: .9375rem; color: var(--quiet); }
  .status::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; background: currentColor; }
  .live .status::before { background: var(--reply); }
  .failed .status::before { background: var(--danger); }
  .on:not(.live) .status::before { background: var(--accent); animation: pulse 1s infinite alternate; }
  @keyframes pulse { to { opacity: .2; } }
  #notice { display: flex; align-items: center; justify-content: space-between; gap: .5rem; padding: .4rem .2rem .4rem 1rem;
    --tone: var(--danger); color: var(--tone); background: color-mix(in srgb, var(--tone) 9%, var(--surface)); }
  #notice.warning { --tone: light-dark(#8a5300, #ffc078); }
  #notice button { border: 0; background: none; }
  label { flex: 1 1 12rem; display: grid; gap: .2rem; font-size: .8125rem; color: var(--quiet); }
  select { width: 100%; padding: 0 .6rem; color: var(--text); text-overflow: ellipsis; }
  summary { width: fit-content; cursor: pointer; color: var(--quiet); font-size: .875rem; }
  #log { max-height: 12rem; margin-top: .5rem; overflow: auto; font-size: .8125rem; overflow-wrap: anywhere; }
  time { margin-right: .75rem; color: var(--quiet); }
  time, [role=timer] { font-variant-numeric: tabular-nums; }
  @media (max-width: 30rem) { .row > button { flex: 1; padding: 0 .5rem; } .status { width: 100%; order: -1; } }
  @media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
</style>
<section id="card" aria-label="Call">
  <div class="stage">
    <video id="remote" playsinline aria-label="Reply"></video>
    <video id="self" playsinline autoplay muted aria-label="Your camera"></video>
  </div>
  <div class="lanes">
    <div class="lane you">You<canvas id="in" role="meter" aria-label="Your level" aria-valuemax="100"></canvas></div>
    <div class="lane reply">Reply<canvas id="out" role="meter" aria-label="Reply level" aria-valuemax="100"></canvas></div>
  </div>
  <div class="row">
    <button id="call"></button>
    <button id="mute-audio" class="mic">Mute</button>
    <button id="mute-video" class="camera">Hide camera</button>
    <button id="sound" hidden>Play</button>
    <p class="status"><span id="state" role="status"></span><span id="time" role="timer"></span></p>
  </div>
  <div id="notice" hidden><span id="words" role="alert"></span> <button id="dismiss">Dismiss</button></div>
  <div class="row" id="devices" hidden>
    <label class="mic">Microphone<select id="pick-audio"></select></label>
    <label class="camera">Camera<select id="pick-video"></select></label>
  </div>
  <details><summary>Events</summary><div id="log" role="log" tabindex="0" aria-label="Events"></div></details>
</section>`;

  class RtStream extends HTMLElement {
    static observedAttributes = ["config", "mode", "modality", "offer"];
    /** @type {State} */ state = "idle";
    /** @type {Config} */ #config = { mode: "send-receive", modality: "audio", offer: "webrtc/offer" };
    /** @type {AbortController} */ #run; // from "connect" to the end, over all reconnections
    /** @type {Call} */ #call;
    /** @type {AudioContext} */ #sound;
    /** @type {Partial<Record<Kind, MediaStreamTrack>>} */ #own = {};
    #muted = { audio: false, video: false };
    #device = { audio: "", video: "" }; // chosen ids
    #since = 0; // when the call went live, by performance.now(); 0 until it does
    #tick = 0;
    #meters;

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).innerHTML = SHADOW;
      this.#meters = { in: new Meter(this.#part("in")), out: new Meter(this.#part("out")) };
      this.#part("call").onclick = () => (this.#run ? this.stop() : this.start());
      this.#part("mute-audio").onclick = () => this.muteMic();
      this.#part("mute-video").onclick = () => this.muteCamera();
      this.#part("pick-audio").onchange = () => this.switchDevice("audio", this.#part("pick-audio").value);
      this.#part("pick-video").onchange = () => this.switchDevice("video", this.#part("pick-video").value);
      this.#part("sound").onclick = () => this.#play();
      this.#part("dismiss").onclick = () => { this.#part("notice").hidden = true; };
    }

    connectedCallback() {
      addEventListener("pagehide", this.stop);
      navigator.mediaDevices?.addEventListener("devicechange", this.#listDevices);
      this.#set(this.state);
    }

    disconnectedCallback() {
      removeEventListener("pagehide", this.stop);
      navigator.mediaDevices?.removeEventListener("devicechange", this.#listDevices);
      queueMicrotask(() => this.isConnected || this.stop()); // a move within the page is no goodbye
    }

    attributeChangedCallback(name, _old, value) {
      if (value !== null) this.config = name === "config" ? JSON.parse(value) : { [name]: value };
    }

    /** @returns {Config} */
    get config() { return this.#config; }

    /** Changes what is given and keeps the rest; holds from the next start on. @param {Partial<Config>} changes */
    set config(changes) {
      this.#config = { ...this.#config, ...changes };
      this.#dress();
    }

    /** Asks for the devices, connects, and stays connected until the call is ended. */
    async start() {
      if (this.#run) return;
      const { signal } = (this.#run = new AbortController());
      this.#sound = new AudioContext(); // here, in the click: later the browser would keep it silent
      this.#tick = setInterval(() => this.#beat(), TICK);
      this.#since = 0;
      this.#part("notice").hidden = true;
      try {
        if (this.#config.mode !== "receive") {
          this.#set("asking");
          (await this.#capture(this.#config.modality.split("-"), signal)).forEach((track) => this.#adopt(track));
          this.#listDevices();
        }
        const { reason = "handler", data } = await this.#converse(signal);
        this.#finish("ended");
        const told = reason === "failed" && !this.#part("notice").hidden; // by the error that ended it
        if (!told) this.#tell("warning", reason, TROUBLES[reason] ?? sentences(data ?? reason));
      } catch (error) {
        if (signal.aborted) return; // stop() has cleaned up
        this.#finish("failed");
        this.#tell("error", error.name, error.message);
      }
    }

    /** Says goodbye to the server and lets go of the devices. */
    stop = () => {
      if (this.#run) this.#finish("ended");
    };

    muteMic(muted = !this.#muted.audio) { this.#mute("audio", muted, muted ? "Unmute" : "Mute"); }

    muteCamera(muted = !this.#muted.video) { this.#mute("video", muted, muted ? "Show camera" : "Hide camera"); }

    /** Takes another microphone or camera, at once when a call is live. @param {Kind} kind @param {string} id */
    async switchDevice(kind, id) {
      this.#device[kind] = id;
      if (!this.#run || !this.#own[kind]) return;
      const { signal } = this.#run;
      if (kind === "video") this.#own.video.stop(); // many a phone opens only one camera at a time
      try {
        const [track] = await this.#capture([kind], signal);
        this.#adopt(track);
        await this.#call?.replace(track);
      } catch (error) {
        if (!signal.aborted) this.#tell("error", error.name, error.message);
      }
      this.#listDevices();
    }

    /** How loud it is, root mean square from 0 to 1: `in` goes to the server, `out` comes from it. */
    level() { return { in: this.#meters.in.level(), out: this.#meters.out.level() }; }

    /** Sends a message over the data channel. @param {object} message */
    send(message) { this.#call?.send(message); }

    /** Calls, and calls again when a live call is lost, until one is ended. */
    async #converse(signal) {
      this.#set("connecting");
      for (let pause = RETRY.first, lost = 0; ; pause = Math.min(RETRY.most, pause * RETRY.growth)) {
        try {
          const call = await this.#dial(signal);
          [pause, lost] = [RETRY.first, 0];
          return await call.over;
        } catch (error) {
          lost ||= performance.now();
          const hope = PASSING.includes(error.name) && performance.now() - lost < RETRY.limit;
          if (signal.aborted || !this.#since || !hope) throw error;
        }
        this.#call?.close();
        if (this.state !== "reconnecting") this.#set("reconnecting");
        await sleep(pause);
        signal.throwIfAborted();
      }
    }

    async #dial(signal) {
      const { rtc_configuration: given } = this.#config;
      const rtc = (typeof given === "string" ? await ask(given) : given) ?? {};
      signal.throwIfAborted();
      const remote = new MediaStream();
      const onTrack = (track) => {
        remote.addTrack(track);
        this.#part("remote").srcObject = remote; // only now: a stream that is empty at first is not played
        if (track.kind === "audio") this.#meters.out.listen(this.#sound, track);
        this.#play();
      };
      const call = new Call(this.#config, rtc, this.#own, onTrack, (message) => this.#heard(message));
      this.#call = call;
      await call.open();
      signal.throwIfAborted();
      this.#since = performance.now();
      this.#set("live");
      return call;
    }

    async #capture(kinds, signal) {
      const wanted = Object.fromEntries(kinds.map((kind) => [kind, this.#constraints(kind)]));
      try {
        if (!navigator.mediaDevices) throw { name: "insecure" };
        const tracks = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();
        if (signal.aborted) tracks.forEach((track) => track.stop());
        return tracks;
      } catch (error) {
        throw new Trouble(error.name, undefined, kinds);
      } finally {
        signal.throwIfAborted();
      }
    }

    /** What is asked of a device. Flat constraints are meant for the picture where there are both. */
    #constraints(kind) {
      const { modality, track_constraints: asked } = this.#config;
      const flat = modality === "audio-video" && kind === "audio" ? {} : asked;
      const device = this.#device[kind] && { deviceId: { exact: this.#device[kind] } };
      return { ...(asked && ("audio" in asked || "video" in asked) ? asked[kind] : flat), ...device };
    }

    /** Puts a track in the place of the one of its kind. */
    #adopt(track) {
      const { kind } = track;
      this.#own[kind]?.stop();
      this.#own[kind] = track;
      track.enabled = !this.#muted[kind];
      track.onended = () => this.#tell("warning", "unplugged", new Trouble("unplugged", undefined, [kind]).message);
      if (kind === "audio") this.#meters.in.listen(this.#sound, track);
      else this.#part("self").srcObject = new MediaStream([track]);
    }

    #mute(kind, muted, label) {
      this.#muted[kind] = muted;
      if (this.#own[kind]) this.#own[kind].enabled = !muted;
      this.#part(`mute-${kind}`).textContent = label;
      this.#part(`mute-${kind}`).classList.toggle("off", muted);
    }

    /** Plays what comes in; where the browser wants a click first, shows a button for it. */
    async #play() {
      this.#sound.resume();
      const refusal = await this.#part("remote").play().catch((error) => error);
      this.#part("sound").hidden = refusal?.name !== "NotAllowedError";
    }

    #heard(message) {
      const { type, code = type, why, fix, data } = message;
      const serious = type === "error" || type === "warning";
      if (serious) this.#tell(type, code, sentences(message.message));
      const note = serious ? sentences(why, fix) : SAID[data] ?? SAID[type] ?? data ?? type;
      if (note) this.#note(typeof note === "string" ? note : JSON.stringify(note));
      this.#emit("message", message);
    }

    #listDevices = async () => {
      const devices = await navigator.mediaDevices.enumerateDevices();
      for (const kind of this.#config.modality.split("-")) {
        const named = devices.filter((device) => device.kind === `${kind}input` && device.label); // once permitted
        this.#part(`pick-${kind}`).replaceChildren(...named.map((device) => new Option(device.label, device.deviceId)));
        this.#part(`pick-${kind}`).value = this.#own[kind]?.getSettings().deviceId ?? this.#device[kind];
        if (named.length) this.#part("devices").hidden = false;
      }
    };

    #finish(state) {
      this.#run?.abort();
      this.#run = null;
      this.#call?.close();
      Object.values(this.#own).forEach((track) => track.stop());
      this.#own = {};
      clearInterval(this.#tick);
      Object.values(this.#meters).forEach((meter) => meter.rest());
      this.#sound.close();
      this.#part("sound").hidden = true;
      this.#set(state);
    }

    #set(state) {
      const [words, button] = STATES[state];
      this.state = state;
      this.setAttribute("state", state);
      this.#part("state").textContent = words;
      this.#part("call").textContent = button;
      this.#dress();
      this.#note(words);
      this.#emit("state", { state, words });
    }

    /** Names the modality, the mode and the state to the style sheet, which hides what they do not need. */
    #dress() {
      const { modality, mode } = this.#config;
      this.#part("card").className = [modality, mode, this.state, this.#run && "on"].join(" ");
    }

    #beat() {
      Object.values(this.#meters).forEach((meter) => meter.draw());
      if (this.state !== "live") return;
      const limit = this.#config.time_limit ? ` of ${clock(this.#config.time_limit)}` : "";
      this.#part("time").textContent = clock((performance.now() - this.#since) / 1000) + limit;
    }

    #tell(tone, code, words) {
      this.#part("words").textContent = words;
      this.#part("notice").className = tone;
      this.#part("notice").hidden = false;
      this.#note(words);
      this.#emit(tone, { code, words });
    }

    #note(words) {
      const line = document.createElement("div");
      const time = document.createElement("time");
      time.textContent = new Date().toLocaleTimeString();
      line.append(time, words);
      const log = this.#part("log");
      log.append(line);
      if (log.childElementCount > LOG_LINES) log.firstElementChild.remove();
      log.scrollTop = log.scrollHeight;
    }

    #emit(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

    /** @returns {any} */
    #part(id) { return this.shadowRoot.getElementById(id); }
  }

  customElements.define("rt-stream", RtStream);
})();
