// Calls by libwebrtc, through npm's @roamhq/wrtc: says the scene, and writes down when what was said and heard.
//
//     node wrtc_calls.cjs MODULE URL CALLS SCENE FOLDER
//
// SCENE is mono sound at 48 kHz, 16 bits. Each call N writes FOLDER/N.said (lines of frame and time) and
// FOLDER/N.heard (records of a time, 8 bytes, and 10 ms of sound at 8 kHz). Prints "ready" when all are
// connected, and goes on until its input ends. Times are those of the monotonic clock, as Python's are.
"use strict";
const { createWriteStream, readFileSync } = require("node:fs");
const { join } = require("node:path");

const [module_, url, calls, scene, folder] = process.argv.slice(2);
const { RTCPeerConnection, nonstandard } = require(module_);
const RATE = 48_000, SIZE = 480, FEWER = 6;
const bytes = readFileSync(scene);
const sound = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const frames = Math.floor(sound.length / SIZE);

const now = () => Number(process.hrtime.bigint()) / 1e9;

/** Say the scene in frames of 10 ms, late ones at once. */
function talk(source, said) {
  const begun = now();
  let count = 0;
  const timer = setInterval(() => {
    for (; begun + count * SIZE / RATE <= now(); count++) {
      const at = (count % frames) * SIZE;
      source.onData({
        samples: sound.slice(at, at + SIZE), sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: SIZE,
      });
      said.write(`${count} ${now()}\n`);
    }
  }, 5);
  return () => clearInterval(timer);
}

/** Write down what is heard. */
function listen(track, heard) {
  const sink = new nonstandard.RTCAudioSink(track);
  sink.ondata = ({ samples, sampleRate, channelCount }) => {
    const step = channelCount * sampleRate / (RATE / FEWER);
    const record = Buffer.alloc(8 + 2 * Math.floor(samples.length / step));
    record.writeDoubleLE(now());
    for (let n = 0; 8 + 2 * n < record.length; n++) {
      let sum = 0;
      for (let k = n * step; k < (n + 1) * step; k++) sum += samples[k];
      record.writeInt16LE(Math.round(sum / step), 8 + 2 * n);
    }
    heard.write(record);
  };
  return () => sink.stop();
}

async function call(number) {
  const files = ["said", "heard"].map((kind) => createWriteStream(join(folder, `${number}.${kind}`)));
  const [said, heard] = files, ends = [];
  const pc = new RTCPeerConnection({ iceServers: [] });
  const source = new nonstandard.RTCAudioSource();
  pc.addTrack(source.createTrack());
  pc.ontrack = ({ track }) => ends.push(listen(track, heard));
  await pc.setLocalDescription(await pc.createOffer());
  const gathered = () => pc.iceGatheringState === "complete";
  if (!gathered()) await new Promise((done) => { pc.onicegatheringstatechange = () => gathered() && done(); });
  const offer = { sdp: pc.localDescription.sdp, type: "offer", webrtc_id: `wrtc-${number}-${process.pid}` };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/echo/webrtc/offer`, { method: "POST", headers, body: JSON.stringify(offer) });
  await pc.setRemoteDescription(await answer.json());
  if (pc.connectionState !== "connected")
    await new Promise((done) => { pc.onconnectionstatechange = () => pc.connectionState === "connected" && done(); });
  ends.push(talk(source, said));
  return async () => {
    for (const end of ends) end();
    pc.close();
    await Promise.all(files.map((file) => new Promise((done) => { file.end(done); })));
  };
}

(async () => {
  const open = [];
  for (let number = 0; number < Number(calls); number++) open.push(await call(number));
  console.log("ready");
  process.stdin.resume();
  process.stdin.on("end", async () => {
    await Promise.all(open.map((close) => close()));
    process.exit(0);
  });
})();
