import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { componentOf } from "../../adapter/names/components.ts";
import { componentsOf } from "../../adapter/names/families.ts";
import { differs, type Finding, fails, short } from "./finding.ts";

/** Names of Flux and SD 3 in diffusers. */
const TRANSFORMER =
  /^transformer\.(single_)?transformer_blocks\.\d+\.(attn2?\.(to_[qkv]|to_out\.0|add_[qkv]_proj|to_add_out)|ff(_context)?\.net\.\d+(\.proj)?|norm1?(_context)?\.linear|proj_mlp|proj_out)$/;

/** How an image program reads the names and scales of a file; names of unknown families go to `unseen`. */
export function checkImage(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  if (consumer.models !== "image") return [];
  const { title, version } = consumer;
  const names = [...adapter.modules.keys()];
  const strange = strangeName(names);
  if (strange !== undefined) {
    unseen.push(
      `whether ${title} ${version} finds its modules: lora-lego knows no family with names such as ${strange}`,
    );
  }
  if (names.length === 0) unseen.push(`whether ${title} ${version} finds the weights that its tensors name`);
  const bare = checkBare(adapter, consumer);
  if (consumer.id === "diffusers") return [...bare, ...checkDiffusers(adapter, consumer)];
  const scaled = [...adapter.modules.values()].find(({ scale }) => scale !== 1);
  if (adapter.format === "diffusers" && scaled !== undefined) {
    unseen.push(
      `whether the scale ${short(scaled.scale)} of ${scaled.name} is in an .alpha tensor, which ${title} reads, or in metadata, which it does not read`,
    );
  }
  return [...bare, ...checkComfyui(adapter, consumer)];
}

/** Attention layers of UNets. In diffusers' files ComfyUI finds them only by the names of their processors (comfy/lora.py). */
function checkComfyui({ format, modules, variants }: Adapter, { title }: Consumer): Finding[] {
  if (format !== "diffusers") return [];
  const all = [...modules.values()];
  const lost = all.filter(
    ({ name, a }) => name.startsWith("unet.") && /\.to_(q|k|v|out\.0)$/.test(name) && !a.name.includes(".processor."),
  );
  const [first] = lost;
  if (first === undefined) return [];
  const way = variants.length > 0 ? "load it in diffusers" : "convert it with lora-lego convert --to kohya";
  const which = lost.length === all.length ? "all of its modules" : `${lost.length} of its ${all.length} modules`;
  const text = `${title} misses ${which}: it looks for attention under names with .processor. (not ${first.a.name}); ${way}.`;
  return [lost.length === all.length ? fails(text) : differs(text)];
}

/** A name of a component from no known family. */
function strangeName(names: readonly string[]): string | undefined {
  const unknown = new Set(
    componentsOf(names)
      .filter(({ family }) => family === null)
      .map(({ name }) => name),
  );
  return names.find((name) => unknown.has(componentOf(name)) && !TRANSFORMER.test(name));
}

/** Whether a Flux file with the names of Flux's own code has the component in front that they need. */
function checkBare({ format, modules, extras, variants }: Adapter, { id, title }: Consumer): Finding[] {
  if (format !== "diffusers") return [];
  const all = [...modules.values()];
  const bare = all.filter(({ name, a }) => componentOf(name) === "diffusion_model" && componentOf(a.name) === null);
  const [first] = bare;
  // Both take the names in control files of Flux's makers, but each recognises those by other tensors.
  const control =
    id === "diffusers"
      ? [...extras.keys()].some((key) => key.includes("query_norm.scale"))
      : modules.has("diffusion_model.img_in") && extras.has("single_blocks.0.norm.key_norm.scale");
  if (first === undefined || control) return [];
  const way =
    variants.length > 0
      ? "put diffusion_model. in front of them"
      : `convert it with lora-lego convert --to ${id === "diffusers" ? "diffusers" : "kohya"}`;
  const lost = `a component that ${title} looks for (such as ${first.a.name})`;
  if (bare.length === all.length) return [fails(`none of its names has ${lost}; ${way}.`)];
  return [differs(`${bare.length} of its ${all.length} modules have names without ${lost}; ${way}.`)];
}

/** What diffusers' conversion of kohya names misses. */
function checkDiffusers({ format, modules, variants }: Adapter, { title }: Consumer): Finding[] {
  if (format !== "kohya") return [];
  const all = [...modules.values()];
  // No conversion keeps more than a plain LoRA.
  const plain = variants.length === 0;
  const way = plain ? "write it with lora-lego convert --to diffusers" : "load it in ComfyUI";
  const lost = all.find(({ a }) => a.name.startsWith("lora_unet_joint_blocks_"));
  if (lost !== undefined) {
    return [fails(`${title} finds nothing of SD 3 under kohya names (such as ${lost.a.name}); ${way}.`)];
  }
  const raised = all.find(({ a }) => /^lora_transformer_.*_(ff|mlp|norm)/.test(a.name));
  if (raised !== undefined) {
    return [
      fails(`${title} reads only attention from files with lora_transformer_ names (not ${raised.a.name}); ${way}.`),
    ];
  }
  const flux = all.some(({ name }) => name.startsWith("diffusion_model."));
  const second = flux ? all.find(({ a }) => /^lora_te[23]_/.test(a.name)) : undefined;
  if (second !== undefined) {
    return [
      differs(
        `${title} leaves out all text encoders of Flux files except the first (such as ${second.a.name}); ${way}.`,
      ),
    ];
  }
  const [first, ...others] = all.filter(({ name }) => /^(unet|text_encoder)/.test(name));
  const other = others.find(({ scale, rank }) => scale * rank !== first!.scale * first!.rank);
  if (other === undefined) return [];
  return [
    differs(
      `${title} gives some modules of a UNet the alpha of others, but here ${first!.name} has alpha ${short(first!.scale * first!.rank)} and ${other.name} has ${short(other.scale * other.rank)}; ${plain ? "lora-lego convert --to kohya writes one alpha" : way}.`,
    ),
  ];
}
