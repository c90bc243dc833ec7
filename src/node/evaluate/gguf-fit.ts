import { basename } from "node:path";
import { RefusedError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import { type GgufHeader, readGguf } from "../../formats/gguf/header.ts";
import { openFile } from "../files/file-source.ts";

const FACTOR = /^(.+)\.lora_([ab])$/;
const EMBEDDING = "token_embd.weight";
const HEAD = "output.weight";

/**
 * Refuse a GGUF adapter that llama.cpp does not load on a base model, or on which it would abort the process (llama-adapter.cpp). Every
 * factor needs its other half and a base tensor that it fits, and an adapted embedding must not also be the head.
 *
 * @param name the adapter's name in messages
 * @param adapter path of its file
 * @param base path of the base's GGUF file
 * @throws RefusedError for what does not fit
 */
export async function refuseUnfit(name: string, adapter: string, base: string): Promise<void> {
  const [{ metadata, tensors }, model] = await Promise.all([headerOf(adapter), headerOf(base)]);
  const where = basename(base);
  for (const key of ["general.type", "general.architecture"]) {
    const expected = key === "general.type" ? "adapter" : model.metadata.get(key);
    if (metadata.get(key) === expected) continue;
    throw new RefusedError(
      `${name} says ${key} ${String(metadata.get(key) ?? "nothing")}, but an adapter of ${where} must say ${String(expected)}; pass an adapter of that base model.`,
    );
  }
  for (const key of tensors.keys()) {
    const [, path, half] = FACTOR.exec(key) ?? [];
    if (path === undefined) {
      throw new RefusedError(
        `${name}: llama.cpp does not recognise ${key} as a LoRA factor; convert the adapter again.`,
      );
    }
    const [a, b] = ["a", "b"].map((other) => tensors.get(`${path}.lora_${other}`)?.shape);
    if (a === undefined || b === undefined) {
      throw new RefusedError(`${name}: ${path} has lora_${half} without its other half; convert the adapter again.`);
    }
    refuseTied(name, path, model, where);
    const own = model.tensors.get(path)?.shape;
    if (own === undefined) {
      throw new RefusedError(
        `${name} adapts ${path}, which ${where} does not contain; pass an adapter of that base model.`,
      );
    }
    const [inputs, outputs] = path === EMBEDDING ? [a.at(-2), b.at(-2)] : [a.at(-1), b.at(-2)];
    const ranks = path === EMBEDDING ? [a.at(-1), b.at(-1)] : [a.at(-2), b.at(-1)];
    const expected = path === EMBEDDING ? [outputs, inputs] : [inputs, outputs];
    if (own.at(-1) === expected[0] && own.at(-2) === expected[1] && ranks[0] === ranks[1]) continue;
    throw new RefusedError(
      `${name}: the factors of ${path} are ${formatShape(a)} and ${formatShape(b)}, which do not fit its ${formatShape(own)} in ${where}; pass an adapter of that base model.`,
    );
  }
}

/** A base without its own head multiplies by the embedding; llama.cpp then finds factors meant for look-ups and aborts. */
function refuseTied(name: string, path: string, { tensors }: GgufHeader, where: string): void {
  if (tensors.has(HEAD) || (path !== EMBEDDING && path !== HEAD)) return;
  throw new RefusedError(
    `${name} adapts ${path}, but in ${where} head and embedding are one tensor, and llama.cpp cannot adapt either there; fuse it into the base model (lora-lego fuse) and pass the result as --base, or leave that module out of the adapter.`,
  );
}

async function headerOf(path: string): Promise<GgufHeader> {
  const source = openFile(path, basename(path));
  try {
    return await readGguf(source);
  } finally {
    source.close();
  }
}
