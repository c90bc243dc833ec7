import { isFactorDtype, isOutputDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";
import { baseTensor, findTensors } from "./base-tensor.ts";
import type { ChangedTensor, FusedPart, FusePlan, Magnitude, NewRows, Origin } from "./fuse-plan.ts";
import { biasOf, isHead, type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** A changed tensor while a fusion is planned. */
export interface Draft extends ChangedTensor {
  shape: readonly number[];
  origin: Origin;
  readonly parts: FusedPart[];
  magnitude: Magnitude | null;
  readonly rows: NewRows[];
}

/**
 * The tensors of a fused model that differ from the base's. In a tied base, the head is a second tensor that starts from the embedding's
 * values; where both end up equal, they stay one.
 */
export class ChangedTensors {
  readonly #base: BaseModel;
  readonly #config: BaseConfig | null;
  readonly #vocabulary: Vocabulary;
  readonly #drafts = new Map<string, Draft>();
  /** The start values of embedding and head, where they are tied. */
  #shared: Origin | null = null;

  constructor(base: BaseModel, config: BaseConfig | null) {
    this.#base = base;
    this.#config = config;
    this.#vocabulary = vocabularyOf(base, config);
    const { embedding, tied } = this.#vocabulary;
    if (tied) this.#shared = { input: null, tensor: base.tensors.get(embedding!)! };
  }

  /** The name of a path's tensor in the fused model. @throws RefusedError when there is none */
  nameOf(path: string, wanted: string): string {
    const { head, tied } = this.#vocabulary;
    if (!tied || !isHead(path) || findTensors(this.#base, path).length > 0)
      return baseTensor(this.#base, path, wanted).name;
    if (head === null) throw this.#cannotUntie(wanted);
    return head;
  }

  /** The shape of a path's tensor in the base; for a tied head, the embedding's. */
  baseShape(path: string, wanted: string): readonly number[] {
    const { tensors } = this.#base;
    return (tensors.get(this.nameOf(path, wanted)) ?? tensors.get(this.#vocabulary.embedding!)!).shape;
  }

  /**
   * The tensors that a change at a path changes: one, or a tied embedding and the head that follows it.
   *
   * @param headFollows whether a change of a tied embedding also changes the head
   * @throws RefusedError when the base has no such tensor, or it is tied to one that cannot be determined
   */
  at(path: string, wanted: string, headFollows: boolean): Draft[] {
    const name = this.nameOf(path, wanted);
    const { embedding, head, tied } = this.#vocabulary;
    if (name === embedding && this.#config === null && head !== null && !this.#base.tensors.has(head)) {
      throw new RefusedError(
        `${wanted} changes the embedding, but ${this.#base.name} has no config.json, which says whether it is the head too; pass the base model's whole folder.`,
      );
    }
    if (!tied || name !== embedding) return [this.#draft(name)];
    if (head === null && !headFollows) throw this.#cannotUntie(wanted);
    return headFollows && head !== null ? [this.#draft(name), this.#draft(head)] : [this.#draft(name)];
  }

  /** Start from an adapter's own copy of the base's tensor, as PEFT loads it; in a tied base, embedding and head do. */
  startFrom(path: string, origin: Origin, wanted: string): void {
    const name = this.nameOf(path, wanted);
    const { embedding, head } = this.#vocabulary;
    if (this.#shared === null || (name !== embedding && name !== head)) {
      this.replace(this.#draft(name), origin, wanted);
      return;
    }
    const draft = this.#draft(embedding!);
    this.replace(draft, origin, wanted);
    this.#shared = draft.origin;
  }

  /**
   * Replace a base tensor with one of an adapter.
   *
   * @throws RefusedError for a type or shape that does not fit; embedding and head may have another number of rows
   */
  replace(draft: Draft, origin: Origin, wanted: string): void {
    const { name, shape: own } = draft;
    const { dtype, shape } = origin.tensor;
    const resized = this.#ofVocabulary(name) && shape.slice(1).join() === own.slice(1).join();
    const castable = isFactorDtype(dtype) && isOutputDtype(draft.dtype);
    if ((shape.join() !== own.join() && !resized) || (dtype !== draft.dtype && !castable)) {
      throw new RefusedError(
        `${wanted} is ${dtype} ${formatShape(shape)}, but ${name} of ${this.#base.name} is ${draft.dtype} ${formatShape(own)}, so it cannot replace it; pass the base model that was saved with such a tensor.`,
      );
    }
    if (draft.origin.input !== null && draft.origin.input !== origin.input) {
      throw new RefusedError(
        `${wanted} would replace ${name}, and so would ${draft.origin.tensor.name} of another adapter; fuse one adapter after the other.`,
      );
    }
    draft.shape = shape;
    draft.origin = origin;
  }

  /** @throws RefusedError when embedding and head would differ in their number of rows */
  settled(): Omit<FusePlan, "elsewhere"> {
    const untied = this.#untie();
    const vocabSize = this.#vocabSize();
    for (const [name, draft] of this.#drafts) {
      const { origin, parts, rows } = draft;
      if (origin.tensor === this.#base.tensors.get(name) && parts.length + rows.length === 0) this.#drafts.delete(name);
    }
    return { changed: this.#drafts, untied, vocabSize };
  }

  #draft(name: string): Draft {
    const found = this.#drafts.get(name);
    if (found !== undefined) return found;
    const { embedding, head, tied } = this.#vocabulary;
    const vocabulary = tied && (name === embedding || name === head);
    const own = this.#base.tensors.get(vocabulary ? embedding! : name)!;
    const origin = vocabulary ? this.#shared! : { input: null, tensor: own };
    const shard = (this.#base.tensors.get(name) ?? own).file;
    const { shape } = origin.tensor;
    const draft: Draft = { name, shard, dtype: own.dtype, shape, origin, parts: [], magnitude: null, rows: [] };
    this.#drafts.set(name, draft);
    return draft;
  }

  /** Whether embedding and head, one tensor in the base, are two in the fused model. */
  #untie(): boolean {
    const { embedding, head, tied } = this.#vocabulary;
    if (!tied || head === null || !(this.#drafts.has(embedding!) || this.#drafts.has(head))) return false;
    const [one, other] = [this.#draft(embedding!), this.#draft(head)];
    const alike =
      one.origin.tensor === other.origin.tensor &&
      one.magnitude === other.magnitude &&
      sameItems(one.parts, other.parts) &&
      sameItems(one.rows, other.rows);
    // If such a base also stores a head, it is written too, so that no reader finds the old one.
    if (alike && !this.#base.tensors.has(head)) this.#drafts.delete(head);
    return !alike;
  }

  #vocabSize(): number | null {
    const { embedding, head } = this.#vocabulary;
    const names = [embedding, head, head === null ? null : biasOf(head)].filter((name) => name !== null);
    const sizes = names.flatMap((name) => {
      const rows = (this.#drafts.get(name) ?? this.#base.tensors.get(name))?.shape[0];
      return rows === undefined ? [] : [{ name, rows, before: this.#base.tensors.get(name)?.shape[0] ?? rows }];
    });
    const resized = sizes.find(({ rows, before }) => rows !== before);
    if (resized === undefined) return null;
    const other = sizes.find(({ rows }) => rows !== resized.rows);
    if (other !== undefined) {
      throw new RefusedError(
        `The adapter's ${resized.name} has ${resized.rows} rows, but ${other.name} of ${this.#base.name} keeps ${other.rows}, and a model has one vocabulary; resize the base model with transformers (resize_token_embeddings(${resized.rows}), save_pretrained) and pass that.`,
      );
    }
    if (this.#config === null) {
      throw new RefusedError(
        `${resized.name} would have ${resized.rows} rows instead of ${resized.before}, and ${this.#base.name} has no config.json to record it; pass the base model's whole folder.`,
      );
    }
    return resized.rows;
  }

  #ofVocabulary(name: string): boolean {
    const { embedding, head } = this.#vocabulary;
    return name === embedding || (head !== null && (name === head || name === biasOf(head)));
  }

  #cannotUntie(wanted: string): RefusedError {
    return new RefusedError(
      `${wanted} would change the embedding or the head of ${this.#base.name} alone, but they are one tensor there, and lora-lego cannot separate them in such a model; untie it first (in transformers: load it with tie_word_embeddings=False, copy the embedding into the head, save it with its head) and pass that.`,
    );
  }
}

function sameItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}
