// A PNG of RGB pixels. Canvases can write PNG too, but some browsers add a fourth channel, and the model takes three.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const EIGHT_BITS_RGB = [8, 2, 0, 0, 0]; // depth, colour type, and the only compression, filters and order there are

const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The file of a square picture: `rgb` holds 3 · side · side bytes, row by row. */
export async function png(rgb, side) {
  const rows = new Uint8Array(side * (3 * side + 1)); // each row begins with its filter: 0, none
  for (let row = 0; row < side; row++) {
    rows.set(rgb.subarray(3 * side * row, 3 * side * (row + 1)), row * (3 * side + 1) + 1);
  }
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(deflated).arrayBuffer());
  const header = Uint8Array.of(...big(side), ...big(side), ...EIGHT_BITS_RGB);
  const parts = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: "image/png" });
}

function chunk(name, data) {
  const named = Uint8Array.of(...[...name].map((letter) => letter.charCodeAt(0)), ...data);
  let sum = 0xffffffff;
  for (const byte of named) sum = CRC[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return Uint8Array.of(...big(data.length), ...named, ...big(~sum));
}

function big(number) {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
}
