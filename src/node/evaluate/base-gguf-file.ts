import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { GGUF_FAMILIES } from "../../adapter/names/gguf-families.ts";
import { FormatError, RefusedError, UsageError } from "../../core/errors.ts";
import { planBaseGguf, writeBaseGguf } from "../../evaluate/base-gguf.ts";
import { readGguf } from "../../formats/gguf/header.ts";
import { openModel } from "../../fuse/base-model.ts";
import { type Call, checkCall } from "../call/check-call.ts";
import { PATH } from "../call/rules.ts";
import { openFile } from "../files/file-source.ts";
import { diskModel } from "../input/model-folder.ts";
import { fillFile } from "../output/file-sink.ts";
import { intoFile } from "../output/into-output.ts";

const WRITE: Call<object> = { name: "writeBaseGgufFile", takes: { folder: PATH, out: PATH }, options: {} };

/**
 * Write a model folder, as transformers saves it, into a GGUF file in f32.
 *
 * @throws as `planBaseGguf`; OutputError if the file exists
 * @example
 * ```ts
 * import { writeBaseGgufFile } from "lora-lego/evaluate";
 * import { stat } from "node:fs/promises";
 *
 * await writeBaseGgufFile("model", "model.gguf");
 * console.log((await stat("model.gguf")).size > 0); // true
 * ```
 */
export async function writeBaseGgufFile(folder: string, out: string): Promise<void> {
  checkCall(WRITE, [folder, out]);
  const disk = diskModel(folder);
  try {
    for (const file of ["config.json", "tokenizer.json"]) {
      if (existsSync(join(folder, file))) continue;
      throw new FormatError(`${disk.name} has no ${file}; pass the folder of a whole model, or its GGUF file.`);
    }
    const model = await openModel(disk);
    const plan = planBaseGguf(model, disk.text("config.json"), disk.text("tokenizer.json"));
    const bytes = plan.layout.size;
    await intoFile(out, [folder], { bytes }, (output) =>
      fillFile(output.path, bytes, (sink) => writeBaseGguf(model, plan, sink)),
    );
  } finally {
    disk.close();
  }
}

/** The fields of config.json that converting an adapter needs, read from the base model's GGUF file. */
export async function configOfGguf(path: string): Promise<string> {
  const source = openFile(path, basename(path));
  try {
    const { metadata, tensors } = await readGguf(source);
    const architecture = String(metadata.get("general.architecture"));
    const family = GGUF_FAMILIES.find((known) => known.architecture === architecture);
    if (metadata.get("general.type") === "adapter") {
      throw new UsageError(`${basename(path)} is an adapter; pass the GGUF file of the base model as --base.`);
    }
    if (family === undefined) {
      throw new RefusedError(
        `${basename(path)}: lora-lego does not know llama.cpp's module names for ${architecture}; pass adapters as GGUF files, written by llama.cpp's convert_lora_to_gguf.`,
      );
    }
    return JSON.stringify({
      model_type: family.modelTypes[0],
      num_attention_heads: metadata.get(`${architecture}.attention.head_count`),
      num_key_value_heads: metadata.get(`${architecture}.attention.head_count_kv`),
      num_experts: metadata.get(`${architecture}.expert_count`) ?? null,
      tie_word_embeddings: !tensors.has("output.weight"),
    });
  } finally {
    source.close();
  }
}
