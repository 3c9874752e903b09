/**
 * Between `<rt-stream>` and Gradio: runs once each time the component is put into a page, after the element's
 * own script. Gradio gives it `element`, `trigger`, `props`, `server` and `watch`; CONFIG and CHANGEABLE come
 * from component.py.
 *
 * A lost server is not told to Gradio: an event that it cannot deliver makes it load the whole page anew.
 */
const START = "start_webrtc_stream"; // FastRTC's word: the value that starts a call
const QUIET = 60_000; // ms without a message, after which a call for text alone gives its place back

const call = element.querySelector("rt-stream");
const written = CONFIG.variant === "textbox";
let id = null; // of the connection
let text = ""; // that was typed for the next turn
let typing = false; // whether the call is for text alone, without a microphone
let speak = false; // whether the button was pressed that goes on from text to speech
let pending = null; // text that waits for its call
let quiet = 0; // the timer of that

const reachable = () => call.state !== "reconnecting";
const tell = (event, detail) => reachable() && trigger(event, detail);
const keep = () => { props.value = written ? { webrtc_id: id ?? "", textbox: text } : id; };

function configure() {
  const changed = CHANGEABLE.filter((name) => props[name] !== undefined && props[name] !== null);
  call.config = {
    ...CONFIG,
    ...Object.fromEntries(changed.map((name) => [name, props[name]])),
    ...(CONFIG.asked ? { rtc_configuration: () => server.turn() } : {}),
    ...(typing ? { mode: "receive", button_labels: { ...CONFIG.button_labels, stop: "Speak" } } : {}),
  };
  call.inert = props.interactive === false;
}

/** Starts a call for speech, or for text alone, which asks for no microphone. */
function start(forText) {
  typing = forText;
  configure();
  call.start();
}

function say() {
  text = pending;
  pending = null;
  keep();
  trigger("submit");
}

function listen() {
  clearTimeout(quiet);
  if (typing) quiet = setTimeout(() => call.stop(), QUIET);
}

call.id = `rt-stream-${CONFIG.place}`; // under which it is remembered when the page is loaded anew
call.signal = (body) => server.offer(body);

call.addEventListener("id", ({ detail }) => {
  id = detail.id;
  keep();
});

call.addEventListener("message", ({ detail: { type } }) => {
  listen();
  if (type === "send_input") {
    if (pending === null) text = ""; // a spoken turn; a typed one brings its own
    keep();
    tell("tick");
  }
  if (type === "fetch_output") tell("state_change");
});

call.addEventListener("state", ({ detail: { state, words } }) => {
  if (state === "live") {
    listen();
    tell("start_recording");
    if (pending !== null) say();
    else if (CONFIG.sends) tell("tick"); // what the components say now, be it what they began with or not
  }
  if (state === "ended" || state === "failed") {
    clearTimeout(quiet);
    pending = null;
    if (typing) queueMicrotask(speak ? () => start(false) : () => { typing = false; configure(); });
    speak = false;
  }
  if (state === "ended") tell("stop_recording");
  if (state !== "failed") tell("state", { state, words });
});

call.addEventListener("submit", ({ detail }) => {
  pending = detail.text;
  if (call.state === "live") say();
  else if (call.state === "idle" || call.state === "ended" || call.state === "failed") start(true);
});

// Gradio shows these as toasts; what cannot be told there stays in the element.
for (const tone of ["error", "warning", "info"]) {
  call.addEventListener(tone, (event) => {
    event.preventDefault();
    trigger(tone, event.detail.words);
  });
}

// The button of a call for text alone says "Speak", and goes on with speech.
call.shadowRoot.querySelector("[part=call]").addEventListener("click", () => { speak = typing; }, { capture: true });

watch("value", () => props.value === START && start(false));
watch(CHANGEABLE, configure);
configure();
keep();
