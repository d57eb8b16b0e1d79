// From a file or the camera to what the model sees: the middle square, reduced to 32 × 32 by averaging areas.

import { png } from "./png.js";
import { Problem } from "./problem.js";

const SIDE = 32; // pixels
const LARGEST = 2 ** 26; // bytes of a file
const MOST = 200e6; // pixels of a picture: cameras of phones have up to that
const MIDDLE = 1024; // pixels; from twice this on, the browser halves a picture first, away from the page's own thread

/** The PNG of a picture file; the browser turns it as the camera's EXIF note says. */
export async function fromFile(file) {
  const name = file.name || "The picture";
  if (file.size > LARGEST) {
    throw new Problem(`${name} has ${Math.ceil(file.size / 2 ** 20)} MB; up to ${LARGEST / 2 ** 20} MB can be read.`);
  }
  const unreadable = new Problem(`${name} is not a picture that this browser can read.`);
  const { width, height } = await size(file).catch(() => { throw unreadable; });
  if (width * height > MOST) {
    const millions = Math.ceil(width * height / 1e6);
    throw new Problem(`${name} has ${millions} million pixels; up to ${MOST / 1e6} million can be read.`);
  }
  // Halved so many times: other sizes would not be true averages. And without a crop: with one, Chromium takes single
  // pixels from very large pictures.
  const scale = 2 ** -Math.floor(Math.log2(Math.min(width, height) / MIDDLE));
  const smaller = {
    resizeWidth: Math.round(scale * width), resizeHeight: Math.round(scale * height), resizeQuality: "medium",
  };
  const bitmap = await createImageBitmap(file, scale < 1 ? smaller : {}).catch(() => { throw unreadable; });
  try {
    return await reduced(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** The PNG of what a playing video shows now. */
export function fromVideo(video) {
  return reduced(video, video.videoWidth, video.videoHeight);
}

/** Width and height of a picture file, in pixels, without decoding all of it. */
async function size(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject }));
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function reduced(source, width, height) {
  const side = Math.min(width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // below what is transparent
  context.fillRect(0, 0, side, side);
  context.drawImage(source, -Math.floor((width - side) / 2), -Math.floor((height - side) / 2));
  return png(averaged(context.getImageData(0, 0, side, side).data, side), SIDE);
}

/**
 * Each pixel of the result is the average of the area it covers: no detail of the picture can turn into a false
 * pattern, as it would if single pixels were picked. `rgba` holds 4 · side · side bytes; a picture that is smaller
 * than the result grows by the same rule. Returns 3 · SIDE · SIDE bytes.
 */
function averaged(rgba, side) {
  const spans = Array.from({ length: SIDE }, (_, index) => span(index, side));
  const rows = new Float32Array(3 * SIDE * side); // reduced in width only
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < SIDE; x++) {
      const to = 3 * (y * SIDE + x);
      for (const [column, share] of spans[x]) {
        const from = 4 * (y * side + column);
        for (let channel = 0; channel < 3; channel++) rows[to + channel] += share * rgba[from + channel];
      }
    }
  }
  const row = 3 * SIDE;
  const sums = new Float32Array(SIDE * row);
  for (let y = 0; y < SIDE; y++) {
    for (const [from, share] of spans[y]) {
      for (let i = 0; i < row; i++) sums[y * row + i] += share * rows[from * row + i];
    }
  }
  return Uint8Array.from(sums, Math.round);
}

/** Which of `side` pixels one of SIDE pixels covers, and which share of it each has. */
function span(index, side) {
  const [start, end] = [index * side / SIDE, (index + 1) * side / SIDE];
  const covered = [];
  for (let pixel = Math.floor(start); pixel < end; pixel++) {
    const share = (Math.min(pixel + 1, end) - Math.max(pixel, start)) * SIDE / side;
    covered.push([pixel, share]);
  }
  return covered;
}
