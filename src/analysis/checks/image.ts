import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { componentOf } from "../../adapter/names/components.ts";
import { isOfT5, OF_T5 } from "../../adapter/names/without-t5.ts";
import { placeOf } from "../../adapter/weights/whole.ts";
import { familyById, TEXT_ENCODERS } from "../../families/families.ts";
import { differs, type Finding, fails, type Mend, note, short } from "./finding.ts";
import { type FoundNames, foundNames, isXlabs } from "./found-names.ts";
import { checkImageScales } from "./image-scales.ts";

/** How an image program reads the names and scales of a file; names of unknown families go to `unseen`. */
export function checkImage(adapter: Adapter, consumer: Consumer, unseen: string[]): Finding[] {
  if (consumer.models !== "image") return [];
  const { title, version } = consumer;
  const names = [...adapter.modules.keys()];
  const control = isControl(adapter, consumer);
  const bare = control ? [] : checkBare(adapter, consumer);
  const named = control || bare.length > 0 ? null : foundNames(adapter, consumer.id);
  const strange = strangeName(adapter);
  if (strange !== undefined) {
    unseen.push(
      `whether ${title} ${version} finds its modules: lora-lego knows no family with names such as ${strange}`,
    );
  } else if (named === null && bare.length === 0 && !control && !adapter.families.includes("unet")) {
    unseen.push(`whether ${title} ${version} finds its modules by their names, such as ${names[0]}`);
  }
  if (names.length === 0) unseen.push(`whether ${title} ${version} finds the weights that its tensors name`);
  const byName = [...bare, ...checkNames(adapter, consumer, named)];
  const byProgram = consumer.id === "diffusers" ? checkDiffusers(adapter, consumer) : checkComfyui(adapter, consumer);
  const findings = [...byName, ...byProgram];
  // ComfyUI reads the alphas of all modules that it finds; diffusers was seen to where it finds all.
  const seen = consumer.id === "comfyui" ? strange === undefined : named !== null && named.lost === null;
  const scales = checkImageScales(adapter, consumer, seen, unseen);
  // Of files that mean something else there already, only another difference matters.
  const loads = findings.every(({ level }) => level === "note");
  return [...findings, ...(loads ? scales : scales.filter(({ level }) => level !== "note"))];
}

/** What to do about a file: convert it, or else another way, as no conversion keeps more than a plain LoRA. */
function converted(
  { variants }: Pick<Adapter, "variants">,
  to: "kohya" | "diffusers",
  otherwise: string,
): [way: string, Mend?] {
  return variants.length > 0 ? [otherwise] : [`convert it to ${to}`, { to }];
}

/** How many modules of a known family a program finds. */
function checkNames({ families, variants }: Adapter, { id, title }: Consumer, names: FoundNames | null): Finding[] {
  if (names === null) return [];
  const { found, of, lost } = names;
  const model = familyById(families[0]!).title;
  if (lost === null)
    return [
      note(
        `${title} finds ${of === 1 ? "the one module of the denoiser by its name" : `all ${of} modules of the denoiser by their names`} (${model}).`,
      ),
    ];
  const [way, mend] = converted({ variants }, id === "comfyui" ? "kohya" : "diffusers", "use names that it knows");
  const none =
    of === 1
      ? `does not find the one module by its name (${lost}`
      : `finds none of the ${of} modules by their names (such as ${lost}`;
  if (found === 0) return [fails(`${title} ${none}; ${model}); ${way}.`, mend)];
  return [
    differs(`${title} finds ${found} of the ${of} modules by their names (not ${lost}; ${model}); ${way}.`, mend),
  ];
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
  const [way, mend] = converted({ variants }, "kohya", "load it in diffusers");
  const which = lost.length === all.length ? "all of its modules" : `${lost.length} of its ${all.length} modules`;
  const text = `${title} misses ${which}: it looks for attention under names with .processor. (not ${first.a.name}); ${way}.`;
  return [lost.length === all.length ? fails(text, mend) : differs(text, mend)];
}

/** A name of a component from no known family. */
function strangeName({ families, modules }: Adapter): string | undefined {
  const known = (name: string): boolean =>
    name.startsWith("text_encoder")
      ? TEXT_ENCODERS.some((family) => placeOf(family, name) !== null)
      : families.length > 0;
  return [...modules.keys()].find((name) => !known(name));
}

/** Whether a Flux file with the names of Flux's own code has the component in front that they need. */
function checkBare({ format, families, modules, variants }: Adapter, { id, title }: Consumer): Finding[] {
  if (format !== "diffusers" || !families.includes("flux1")) return [];
  const all = [...modules.values()];
  const bare = all.filter(
    ({ name, b }) => componentOf(name) === "diffusion_model" && componentOf(b.name) === null && !isXlabs(b.name),
  );
  const [first] = bare;
  if (first === undefined) return [];
  const [way, mend] = converted(
    { variants },
    id === "diffusers" ? "diffusers" : "kohya",
    "put diffusion_model. in front of them",
  );
  const lost = `a component that ${title} looks for (such as ${first.b.name})`;
  if (bare.length === all.length) return [fails(`none of its names has ${lost}; ${way}.`, mend)];
  return [differs(`${bare.length} of its ${all.length} modules have names without ${lost}; ${way}.`, mend)];
}

/** Control files of Flux's makers, whose bare names both programs take, but each recognises them by other tensors. */
function isControl({ modules, extras }: Adapter, { id }: Consumer): boolean {
  return id === "diffusers"
    ? [...extras.keys()].some((key) => key.includes("query_norm.scale"))
    : modules.has("diffusion_model.img_in") && extras.has("single_blocks.0.norm.key_norm.scale");
}

/** What diffusers' conversion of kohya names misses. */
function checkDiffusers(adapter: Adapter, { title }: Consumer): Finding[] {
  const { format, modules, variants } = adapter;
  if (format !== "kohya") return [];
  const all = [...modules.values()];
  // No conversion keeps more than a plain LoRA.
  const plain = variants.length === 0;
  const [way, mend] = converted({ variants }, "diffusers", "load it in ComfyUI");
  const raised = all.find(({ a }) => /^lora_transformer_.*_(ff|mlp|norm)/.test(a.name));
  if (raised !== undefined) {
    return [
      fails(
        `${title} reads only attention from files with lora_transformer_ names (not ${raised.a.name}); ${way}.`,
        mend,
      ),
    ];
  }
  const flux = all.some(({ name }) => name.startsWith("diffusion_model."));
  const second = flux ? all.find(({ a }) => /^lora_te[23]_/.test(a.name)) : undefined;
  if (second !== undefined) {
    const ofT5 = all.some(({ name }) => isOfT5(name)) && plain;
    return [
      differs(
        `${title} leaves out all text encoders of Flux files except the first (such as ${second.a.name}); ${ofT5 ? "it loads no LoRA of T5: leave that out, and convert the rest to diffusers" : way}.`,
        ofT5 ? { to: "diffusers", exclude: OF_T5 } : mend,
      ),
    ];
  }
  const [first, ...others] = all.filter(({ name }) => /^(unet|text_encoder)/.test(name));
  const other = others.find(({ scale, rank }) => scale * rank !== first!.scale * first!.rank);
  if (other === undefined) return [];
  return [
    differs(
      `${title} gives some modules of a UNet the alpha of others, but here ${first!.name} has alpha ${short(first!.scale * first!.rank)} and ${other.name} has ${short(other.scale * other.rank)}; ${plain ? "a conversion to kohya writes one alpha" : way}.`,
      plain ? { to: "kohya" } : undefined,
    ),
  ];
}
