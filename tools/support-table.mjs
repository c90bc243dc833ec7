/**
 * Writes the table of docs/formats/support.md: for each family of models and each way to name its weights, whether lora-lego reads it,
 * whether it writes it, and what other programs found. Reading and writing are tried; the rest are the facts in test/golden.
 *
 *   npm run build && node tools/support-table.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const golden = (name) => JSON.parse(readFileSync(new URL(`test/golden/${name}`, root), "utf8"));
const PAGE = new URL("docs/formats/support.md", root);
const [BEGIN, END] = ["<!-- table -->", "<!-- end of table -->"];

/** Ways to name weights: title, beginning, whose paths, underscores for dots, endings, and the way's name in the facts. */
const A_B = ["lora_A.weight", "lora_B.weight"];
const DOWN_UP = ["lora_down.weight", "lora_up.weight"];
const WAYS = [
  ["kohya, musubi-tuner", "lora_unet_", "own", true, DOWN_UP, "lora_unet_ own"],
  ["kohya, diffusers' paths", "lora_unet_", "diffusers", true, DOWN_UP, "lora_unet_ diffusers"],
  ["Wan-Fun", "lora_unet__", "own", true, DOWN_UP, "lora_unet__ own"],
  ["ai-toolkit, diffusion-pipe, ComfyUI", "diffusion_model.", "own", false, A_B, "diffusion_model. own"],
  ["lightx2v", "diffusion_model.", "own", false, DOWN_UP, "diffusion_model. own down"],
  ["own paths under diffusers' beginning", "transformer.", "own", false, A_B, "transformer. own"],
  ["BFL, bare", "", "own", false, A_B, "bare own"],
  ["DiffSynth", "", "own", false, ["lora_A.default.weight", "lora_B.default.weight"], "bare own default"],
  ["OMI", "diffusion_model.", "numbered", false, DOWN_UP, "diffusion_model. numbered"],
  ["diffusers", "transformer.", "diffusers", false, A_B, "transformer. diffusers"],
  [
    "diffusers' paths under diffusion_model.",
    "diffusion_model.",
    "diffusers",
    false,
    A_B,
    "diffusion_model. diffusers",
  ],
  ["lightning, bare", "", "diffusers", false, DOWN_UP, "bare diffusers"],
  ["OneTrainer", "lora_transformer_", "diffusers", true, DOWN_UP, "lora_transformer_ diffusers"],
  ["LyCORIS, SimpleTuner", "lycoris_", "diffusers", true, DOWN_UP, "lycoris_ diffusers"],
];
const WIDTH = 6;
const filled = (path) => path.replaceAll("#", "0");

/** Every weight of a family in block 0, with its size; for UNets, whose convolutions have kernels, attentions alone. */
function weightsOf({ id, weights, traits, rows }) {
  const own = id === "unet" ? weights.filter(({ path }) => /^down_blocks.*attn\d\.to_/.test(path)) : weights;
  return own.map((weight) => {
    const shares = weight.parts.map(({ name }) => rows[name]);
    const parts = shares.reduce((sum, share) => sum + share, 0) / (shares[0] ?? 1);
    const ratio = traits.ratios?.[weight.path] ?? (parts > 0 ? parts : weight.swapped === null ? 1 : 6);
    return {
      weight,
      in: ratio < 1 ? Math.round(WIDTH / ratio) : WIDTH,
      out: ratio < 1 ? WIDTH : Math.round(ratio * WIDTH),
    };
  });
}

/** What a file in this way calls a weight, with the rows of each; none where the way has no name for it. */
function namesIn(family, paths, { weight, out }) {
  const total = weight.parts.reduce((sum, { name }) => sum + family.rows[name], 0);
  const parts = (nameOf) =>
    weight.parts.map((part, i) => [filled(nameOf(part, i)), (out * family.rows[part.name]) / total]);
  if (paths === "numbered" && weight.parts.length > 0) return parts((_, i) => `${weight.path}.${i}`);
  if (paths !== "diffusers") {
    // UNets have diffusers' names here.
    const all =
      family.id === "unet" ? family.pathsOf({ weight, part: null, numbers: ["0", "0", "0"] }) : [filled(weight.path)];
    return [[all.at(-1), out]];
  }
  if (weight.parts.length > 0) return parts((part) => part.diffusers);
  return weight.diffusers === null ? [] : [[filled(weight.diffusers), out]];
}

/** The stems of a way, by weight, and a file of them. */
function fileIn({ encodeSafetensors }, family, [, beginning, paths, underscored, endings]) {
  const begin = family.id === "unet" ? beginning.replace("transformer.", "unet.") : beginning;
  const stems = [];
  const tensors = [];
  for (const sized of weightsOf(family)) {
    for (const [path, out] of namesIn(family, paths, sized)) {
      const stem = begin + (underscored ? path.replaceAll(".", "_") : path);
      stems.push(stem);
      for (const [i, shape] of [
        [1, sized.in],
        [out, 1],
      ].entries()) {
        const data = new Uint8Array(4 * shape[0] * shape[1]);
        tensors.push({ name: `${stem}.${endings[i]}`, dtype: "F32", shape, data });
      }
    }
  }
  return { stems, bytes: encodeSafetensors(tensors) };
}

async function opened({ openAdapter, memorySource }, bytes) {
  const open = async (file) => memorySource(file, bytes);
  return openAdapter({ name: "x", files: ["x.safetensors"], folders: [], open });
}

const stemsOf = ({ tensors }) =>
  new Set(tensors.map(({ name }) => name.replace(/\.(alpha|lora_(down|up|A|B)\.weight)$/, "")));
const same = (one, other) => one.size === other.length && other.every((stem) => one.has(stem));

/** How many weights a program found in a file of those of the blocks, and in one of all. */
function counted({ all: [right, of], blocks: [inBlocks, ofBlocks] }) {
  if (right === of) return "all";
  if (right === 0 && inBlocks === 0) return "none";
  return `${inBlocks} of ${ofBlocks} in blocks, ${right} of ${of} in all`;
}

/** Rows of a family of image or video models. */
async function imageRows(lib, family, facts, ofUnet) {
  const home = await opened(
    lib,
    fileIn(
      lib,
      family,
      WAYS.find(([title]) => title.startsWith("ai-toolkit")),
    ).bytes,
  );
  const written = new Map();
  for (const id of ["kohya", "diffusers"]) {
    try {
      written.set(id, stemsOf((await lib.writerOf(id)).convert(home, null)));
    } catch {
      written.set(id, new Set());
    }
  }
  const rows = [];
  for (const way of WAYS) {
    const [title, beginning, , , , fact] = way;
    const { stems, bytes } = fileIn(lib, family, way);
    const adapter = await opened(lib, bytes);
    const read = adapter.families.includes(family.id);
    const by = [...written].find(([, own]) => same(own, stems))?.[0];
    const checked = ["comfyui", "diffusers"].flatMap((program) => {
      const found = facts[program][family.id]?.ways[fact];
      const named = `${program === "comfyui" ? "ComfyUI" : "diffusers"} ${facts.versions[program]}`;
      return found === undefined ? [] : [`${named}: ${counted(found)}`];
    });
    if (family.id === "unet") checked.push(...(ofUnet.get(by ?? "") ?? []));
    const begin = family.id === "unet" ? beginning.replace("transformer.", "unet.") : beginning;
    rows.push([
      family.title,
      `${title}${begin === "" ? "" : ` (\`${begin}\`)`}`,
      read ? "yes" : "no",
      by === undefined ? "-" : `\`${by}\``,
      checked.join("; ") || "-",
    ]);
  }
  return rows;
}

/** The table's lines. @param lib the library's internals: encodeSafetensors, openAdapter, memorySource, writerOf, and the families */
export async function supportTable(lib) {
  const facts = golden("consumers/families.json");
  const loaded = golden("consumers/facts.json");
  const gguf = golden("gguf/families.json");
  const experts = golden("consumers/experts/facts.json");
  const titles = { comfyui: "ComfyUI", diffusers: "diffusers", peft: "PEFT", mlx: "mlx-lm" };
  const versionOf = (program) => loaded.versions[program === "mlx" ? "mlx-lm" : program];
  const ofUnet = new Map();
  for (const { program, to, model, whole } of loaded.facts.filter(
    (fact) => fact.model === "unet" && fact.to !== undefined,
  )) {
    const said = `${titles[program]} ${versionOf(program)}: ${whole ? "all" : "some"} of a tiny ${model}`;
    ofUnet.set(to, [...new Set([...(ofUnet.get(to) ?? []), said])]);
  }
  const rows = [];
  for (const family of lib.DENOISERS) rows.push(...(await imageRows(lib, family, facts, ofUnet)));
  rows.push(["any language model", "PEFT", "yes", "`peft`", models("peft")]);
  const inMlx = loaded.facts.filter(({ program }) => program === "mlx").map(({ model }) => model);
  const judged = new Set([...inMlx.map((model) => (model === "gemma3" ? "gemma3_text" : model)), "qwen3_moe"]);
  for (const types of lib.MLX_FAMILIES) {
    const own = types.filter((type) => judged.has(type));
    const by = own.length === 0 ? "-" : `mlx-lm ${versionOf("mlx")}: deltas of tiny models (${own.join(", ")})`;
    rows.push([types.join(", "), "MLX", "yes", "`mlx`", by]);
  }
  for (const { architecture, modelTypes } of lib.GGUF_FAMILIES) {
    const held = gguf.families.some((family) => family.architecture === architecture);
    const by = held ? `${gguf.made.llamaCpp} and gguf ${gguf.made.gguf}: names and rows` : "-";
    rows.push([
      modelTypes.join(", "),
      `GGUF (\`${architecture}\`)`,
      "yes",
      "`gguf`",
      architecture === "llama" ? `${by}; node-llama-cpp 3.22: logits` : by,
    ]);
  }
  return [
    "| family: dialect | read | written by `--to` | checked by |",
    "|---|---|---|---|",
    ...rows.map(([family, dialect, ...row]) => `| ${family}: ${dialect} | ${row.join(" | ")} |`),
  ];

  function models(program) {
    const found = [...new Set(loaded.facts.filter((fact) => fact.program === program).map(({ model }) => model))];
    const more = program === "peft" ? [...new Set(experts.merges.map(({ model }) => model))] : [];
    return `${titles[program]} ${versionOf(program)}: deltas of tiny models (${[...found, ...more].join(", ")})`;
  }
}

/** The page with this table. */
export function pageWith(page, lines) {
  const [before, rest] = page.split(BEGIN);
  return `${before}${BEGIN}\n${lines.join("\n")}\n${END}${rest.split(END)[1]}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const from = (path) => import(new URL(`build/lib/${path}`, root));
  const lib = Object.assign(
    {},
    ...(await Promise.all(
      [
        "formats/safetensors/write.js",
        "adapter/open.js",
        "core/bytes.js",
        "convert/convert.js",
        "families/families.js",
        "adapter/names/mlx.js",
        "adapter/names/gguf-families.js",
      ].map(from),
    )),
  );
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, "utf8"), await supportTable(lib)));
}
