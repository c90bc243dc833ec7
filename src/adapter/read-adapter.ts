import type { ByteSource } from "../core/bytes.ts";
import type { FactorDtype } from "../core/dtype.ts";
import type { ModuleKind } from "../core/module-kind.ts";
import type { ParameterPart } from "../formats/peft-folder/parameters.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import type { FactorRef, TensorRef } from "./factor-ref.ts";
import type { Variant } from "./variants.ts";

export type * from "./factor-ref.ts";

/** One adapted weight: delta = scale * B A with A (rank, in) and B (out, rank), whatever the stored shapes. */
export interface AdapterModule {
  /** Dotted path in the base model, without the dialect's prefix. */
  readonly name: string;
  readonly kind: ModuleKind;
  /** Columns of A: input features; for conv, input channels times kernel size; for embeddings, the vocabulary. */
  readonly in: number;
  /** Rows of B. */
  readonly out: number;
  /** The shape of A after its rank: [in], for conv [channels, ...kernel]. */
  readonly inputShape: readonly number[];
  readonly rank: number;
  readonly scale: number;
  readonly a: FactorRef;
  readonly b: FactorRef;
  /** A bias of B, one number for each output: the module adds scale * (B A x + bias). Absent for most. */
  readonly bias?: TensorRef<FactorDtype>;
  /** The parameter of the model that it is a part of (PEFT's target_parameters); absent where it is a layer. */
  readonly parameter?: ParameterPart;
}

/** A unit's origin: [input, unit], both from 0: the adapter in the user's order, the unit in the file's. */
export type UnitId = readonly [input: number, unit: number];

/** Rows of an embedding that were trained on their own and replace the base's. */
export interface TokenRows {
  /** The tokens, one for each row of the tensor. */
  readonly indices: readonly number[];
  readonly tensor: TensorRef;
}

/** Something about an adapter's files that was corrected or left out on reading, or that programs read differently. Ids are stable. */
export interface Notice {
  readonly id:
    | "wrapped-names"
    | "bare-names"
    | "unknown-field"
    | "more-adapters"
    | "alpha-zero"
    | "misapplied"
    | "exact-rank"
    | "method-extracted"
    | "dora-baked"
    | "dora-dropped";
  /** One sentence that names the adapter. */
  readonly text: string;
}

/** What a dialect reads from an adapter's headers: everything but the tensors' values. */
export interface ReadAdapter {
  /** What messages and reports call it. */
  readonly name: string;
  readonly files: readonly ByteSource[];
  /** What users should know about how it was read. */
  readonly notices: readonly Notice[];
  /** What makes it more than a plain LoRA; empty for most. Code that computes with its deltas refuses the variants it cannot apply. */
  readonly variants: readonly Variant[];
  /**
   * The image or video models that it may belong to, by id, the likeliest first: several where its modules are common to them, none where
   * the model is not known, or is a language model.
   */
  readonly families: readonly string[];
  readonly modules: ReadonlyMap<string, AdapterModule>;
  /** Full tensors saved next to the LoRA factors (heads, biases, modules_to_save), by the key that they are written under. */
  readonly extras: ReadonlyMap<string, TensorRef>;
  /** DoRA's magnitude vectors by module. */
  readonly magnitudes: ReadonlyMap<string, TensorRef>;
  /** Trained rows of embeddings, by the embedding's name. */
  readonly tokenRows: ReadonlyMap<string, TokenRows>;
  /** Tensors of its variants that lora-lego does not apply (factors of parameters that nothing names, of other methods), by key. */
  readonly others: ReadonlyMap<string, TensorRef>;
  /** Keys of copies of the base's tensors, which are never written. */
  readonly ignored: readonly string[];
  /** The copied embeddings among them (base_layer.weight), by module: those that the adapter was trained on. */
  readonly baseCopies: ReadonlyMap<string, TensorRef>;
  readonly baseModel: string | null;
  /**
   * Whether its base has the rows of gate and up in turn where they are one weight of an expert, or gate's first, by the base's config.json or
   * the file's architecture; null where neither says so.
   */
  readonly gateUpInTurn: boolean | null;
  readonly taskType: string | null;
  readonly fanInFanOut: boolean;
  /** The scale from the file's lora_alpha and r, which readers that ignore patterns use for all modules; null where it has none. */
  readonly statedScale: number | null;
  /**
   * Where scales come from, in formats that store an alpha for each module: how many modules have one, and how many take their scale from
   * metadata, which only diffusers reads; others have the scale 1. null for other formats.
   */
  readonly alphas: { readonly own: number; readonly inMetadata: number } | null;
  /** target_modules as a plain list; null where it is an expression or other fields narrow it. */
  readonly targetModules: readonly string[] | null;
  /** target_parameters; empty where there are none. */
  readonly targetParameters: readonly string[];
  /** Whether the adapter itself says that it leaves layers out. */
  readonly someLayers: boolean;
  readonly modulesToSave: readonly string[];
  /** Whether a head that is tied to the embedding follows it (ensure_weight_tying). */
  readonly tiesWeights: boolean;
  /** The tokens after which an activated LoRA acts; empty for other adapters. */
  readonly invocationTokens: readonly number[];
  readonly unknownFields: readonly string[];
  /** What the file says about its training, where the dialect stores that with the weights (kohya's ss_* and modelspec.*). */
  readonly metadata: ReadonlyMap<string, string>;
  /** adapter_config.json, where PEFT wrote one for a LoRA. */
  readonly peft: PeftConfig | null;
}
