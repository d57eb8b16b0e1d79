// The camera: the rear one if there is one. It runs only while its picture is on the page.

import { Problem } from "./problem.js";

const WANTED = { audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } } };
const OTHERWISE = "You can choose a picture instead.";

export class Camera {
  /** `video` shows what the camera sees; `onEnd` is called when the camera ends by itself. */
  constructor(video, onEnd) {
    Object.assign(this, { video, onEnd, stream: null });
  }

  /** Start it; the video plays when this returns. `signal` gives up waiting, as for the person's permission. */
  async start(signal) {
    if (!navigator.mediaDevices) throw new Problem(whyNone());
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(WANTED);
      signal.throwIfAborted();
      this.video.srcObject = stream;
      await this.video.play();
      signal.throwIfAborted();
      this.stream = stream;
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      signal.throwIfAborted();
      throw new Problem(why(error));
    }
    stream.getVideoTracks()[0].addEventListener("ended", () => { // as when it is pulled out, or no longer allowed
      if (this.stream === stream) this.onEnd(new Problem(`The camera has stopped. ${OTHERWISE}`));
    });
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
  }
}

function whyNone() {
  if (isSecureContext) return `This browser gives pages no camera. ${OTHERWISE}`;
  const port = location.port || "80";
  return `Browsers give the camera only to pages with a secure address. Open this page by https, or run “adb reverse ` +
    `tcp:${port} tcp:${port}” on the computer and open http://localhost:${port} on the phone. ${OTHERWISE}`;
}

function why(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return `The camera is not allowed. You can allow it in the browser's settings for this page. ${OTHERWISE}`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `There is no camera here. ${OTHERWISE}`;
    case "NotReadableError":
      return `The camera can't be used; another program may be using it. ${OTHERWISE}`;
    default:
      return `The camera did not start (${error.message}). ${OTHERWISE}`;
  }
}
