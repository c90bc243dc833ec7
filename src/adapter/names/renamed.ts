/**
 * How models of text and images name their parts, the newest first. transformers 4.52 (May 2025) put all of them into `model`. Before
 * that, LLaVA, Gemma 3, Mistral 3 and Mllama had the whole language model in `language_model`; Qwen2-VL and Qwen2.5-VL had its layers
 * where a plain language model has them. (_checkpoint_conversion_mapping of those models in transformers 4.52 to 4.57.)
 */
const RELEASES = [
  { body: "model.language_model.", head: "lm_head", tower: "model." },
  { body: "language_model.model.", head: "language_model.lm_head", tower: "" },
  { body: "model.", head: "lm_head", tower: "" },
] as const;

/** Parts of a language model's body, which distinguish it from other models that keep theirs in `model`. */
const BODY = /^(?:model\.language_model|language_model\.model|model)\.((?:layers|embed_tokens|norm)(?:\.|$).*)$/;
const HEAD = /^(?:language_model\.)?lm_head((?:\.|$).*)$/;
const TOWER = /^(?:model\.)?((?:visual|vision_tower|vision_model|multi_modal_projector|image_newline)(?:\.|$).*)$/;

/** The names of a module or of its tensor by release, the newest first; null for a name that no release changed. */
export function spellings(name: string): readonly string[] | null {
  const body = BODY.exec(name)?.[1];
  if (body !== undefined) return RELEASES.map((release) => release.body + body);
  const head = HEAD.exec(name)?.[1];
  if (head !== undefined) return RELEASES.map((release) => release.head + head);
  const tower = TOWER.exec(name)?.[1];
  return tower === undefined ? null : RELEASES.map((release) => release.tower + tower);
}

/** A module's newest name, equal for all its names before and after a release. */
export function newestName(name: string): string {
  return spellings(name)?.[0] ?? name;
}

/** The newest release that may have given these names, as an index of `spellings`; the language model's body decides, if present. */
export function releaseOf(names: readonly string[]): number {
  const bodies = names.filter((name) => BODY.test(name));
  const places = (bodies.length > 0 ? bodies : names).map((name) => spellings(name)?.indexOf(name) ?? 0);
  return Math.min(...places);
}
