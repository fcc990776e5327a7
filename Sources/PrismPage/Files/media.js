// What a file is, by its first bytes as the server tells them, and a picture of it at once.

const text = (bytes, at, length) =>
  String.fromCharCode(...bytes.subarray(at, at + length));

const signatures = [
  ["PNG", "image", (b) => text(b, 1, 3) === "PNG"],
  ["JPEG", "image", (b) => b[0] === 0xff && b[1] === 0xd8],
  ["WebP", "image", (b) => text(b, 0, 4) === "RIFF" && text(b, 8, 4) === "WEBP"],
  ["TIFF", "image", (b) => ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(text(b, 0, 4))],
  ["BMP", "image", (b) => text(b, 0, 2) === "BM"],
  ["DICOM", "image", (b) => text(b, 128, 4) === "DICM"],
  ["WAV", "audio", (b) => ["RIFF", "RF64"].includes(text(b, 0, 4)) && text(b, 8, 4) === "WAVE"],
  ["FLAC", "audio", (b) => text(b, 0, 4) === "fLaC"],
  ["Ogg", "audio", (b) => text(b, 0, 4) === "OggS"],
  ["MP3", "audio", (b) => text(b, 0, 3) === "ID3" || (b[0] === 0xff && (b[1] & 0xe0) === 0xe0)],
];

const endings = {
  image: ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "tif", "tiff", "bmp", "dib", "dcm", "dicom"],
  audio: [
    "wav", "wave", "flac", "ogg", "oga", "opus", "mp3", "m4a", "aac", "mp4", "amr", "webm", "mka",
  ],
};

/** What files can be chosen, for the browser's dialog. */
export const accepted = Object.values(endings).flat().map((end) => `.${end}`).join(",");

/**
 * What a file is.
 *
 * @param {Blob} file The file.
 * @returns {Promise<{kind: "image" | "audio" | null, format: string | null}>} Its kind, or null
 *   where it is nothing that the server reads.
 */
export async function kindOf(file) {
  const bytes = new Uint8Array(await file.slice(0, 352).arrayBuffer());
  const found = signatures.find(([, , matches]) => matches(bytes));
  if (found) { return { format: found[0], kind: found[1] }; }
  const end = (file.name ?? "").split(".").pop().toLowerCase();
  const kind = Object.keys(endings).find((name) => endings[name].includes(end)) ?? null;
  return { kind, format: kind ? end.toUpperCase() : null };
}

/** The picture of a file as the browser reads it, or null where it cannot. */
export async function pictureOf(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    return null;
  }
}

/** The picture of a file, by the server where the browser cannot read it; null where none can. */
export async function previewOf(api, file) {
  const picture = await pictureOf(file);
  if (picture) { return picture; }
  try {
    return await pictureOf(await api.preview(file));
  } catch {
    return null;
  }
}

/** A picture as a small canvas, at most `size` pixels wide and high. */
export function thumbnail(source, size) {
  const factor = Math.min(1, size / Math.max(source.width, source.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source.width * factor));
  canvas.height = Math.max(1, Math.round(source.height * factor));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}
