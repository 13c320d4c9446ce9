// Photos are made small on the phone before they are kept: a season of them must fit, and a slow
// network must carry them. Drawing them anew drops position, camera and whatever else hides in them.

export const MOST = 6;
const SIDE = 1600;
const QUALITY = 0.8;

export class NotAPhoto extends Error {}

async function shrink(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new NotAPhoto(file.name);
  }
  const part = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * part));
  canvas.height = Math.max(1, Math.round(picture.height * part));
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff"; // what was see-through is paper
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) throw new NotAPhoto(file.name);
  return blob.arrayBuffer();
}

/** The chosen files of a form as {field, name, type, data}; the names carry nothing of the phone's.
 * Raises NotAPhoto. */
export async function photosOf(form, key) {
  const found = [];
  for (const input of form.querySelectorAll("input[type=file]")) {
    for (const file of input.files) {
      const name = `${key.slice(0, 8)}-${found.length + 1}.jpg`;
      found.push({ field: input.name, name, type: "image/jpeg", data: await shrink(file) });
    }
  }
  return found;
}
