import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import {
  call,
  checkpoint,
  dict,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_TUPLE,
  FALSE,
  global,
  integer,
  MARK,
  NONE,
  ORDERED_DICT,
  type Piece,
  storage,
  tensor,
  text,
  torchGoldens,
} from "../support/torch.ts";
import { expectRefused } from "../support/torch-refused.ts";

/** A checkpoint with this pickle is refused in one sentence that has all `parts`. */
const refuses = (root: Piece, kind: typeof FormatError | typeof RefusedError, ...parts: string[]) =>
  expectRefused(checkpoint(root), kind, ...parts);

const UNTOUCHED = ["nothing was executed", "safetensors.torch.save_file"];
const golden = (name: string, version = "2.6"): Uint8Array =>
  torchGoldens().find((file) => file.version === version && file.name === name)!.bytes;

describe("readTorch refuses tensors", () => {
  const ones = (count: number): number[] => new Array(count).fill(1);

  it.each([
    ["a negative stride", tensor({ stride: [-2, 1] })],
    ["a negative size", tensor({ size: [-1, 2] })],
    ["a negative offset", tensor({ offset: -1 })],
    ["fewer strides than sizes", tensor({ stride: [1] })],
    ["more dimensions than PyTorch", tensor({ size: ones(65), stride: ones(65) })],
    ["hooks", tensor({ hooks: dict({ a: NONE }) })],
    ["no storage", tensor({ storage: NONE })],
    [
      "an untyped storage and no dtype",
      tensor({ storage: storage("0", 8, global("torch.storage", "UntypedStorage")) }),
    ],
    ["arguments too many", tensor({ more: [NONE, NONE] })],
    ["a dtype beside a typed storage", tensor({ rebuild: "_rebuild_tensor_v3", more: [global("torch", "uint16")] })],
    ["a state of a parameter", call("torch._utils", "_rebuild_parameter", tensor(), FALSE, ORDERED_DICT, NONE)],
    ["a parameter of no tensor", call("torch._utils", "_rebuild_parameter", NONE, FALSE, ORDERED_DICT)],
    ["arguments of an OrderedDict", call("collections", "OrderedDict", EMPTY_LIST)],
  ])("with %s", async (_, value) => {
    await refuses(dict({ a: value }), FormatError, "with arguments that PyTorch does not use", ...UNTOUCHED);
  });

  it("that reach beyond their storage, at any size", async () => {
    await refuses(dict({ "w.A": tensor({ offset: 1 }) }), FormatError, 'tensor "w.A"', "needs 8 bytes from byte 4");
    await refuses(dict({ a: tensor({ size: [3], stride: [1] }) }), FormatError, "the storage has 8");
    const huge = [2 ** 50, 2 ** 50];
    await refuses(dict({ a: tensor({ size: huge, stride: [2 ** 50, 1] }) }), FormatError, "Infinity bytes");
    await refuses(dict({ a: tensor({ size: [0], stride: [1], offset: 2 ** 52 }) }), FormatError, "needs 0 bytes");
    const many = new Array(64).fill(2 ** 52);
    await refuses(dict({ a: tensor({ size: many, stride: many }) }), RefusedError, "an array of 64");
  });

  it("that are views across rows, by name", async () => {
    for (const version of ["1.13", "2.6"]) {
      await expectRefused(golden("transposed", version), RefusedError, '"transposed"', "[2, 3]", ".contiguous()");
      await expectRefused(golden("sliced", version), RefusedError, '"sliced"', "strides [4, 1]");
      await expectRefused(golden("expanded", version), RefusedError, '"expanded"', "strides [0, 1]");
      await expectRefused(golden("sparse", version), RefusedError, "torch._utils._rebuild_sparse_tensor");
    }
    await expectRefused(golden("conjugate"), RefusedError, "resolve_conj");
  });
});

describe("readTorch refuses what is no dict of tensors", () => {
  it("as torch.save writes it", async () => {
    for (const version of ["1.13", "2.6"]) {
      await expectRefused(
        golden("training-run", version),
        RefusedError,
        'a training run, with "epoch", "loss", "model"',
      );
      await expectRefused(golden("tensor-alone", version), RefusedError, "holds a tensor, not a dict");
      await expectRefused(golden("list-of-tensors", version), RefusedError, "holds a list, not a dict");
      await expectRefused(golden("numbers", version), RefusedError, '"rank" is 8, not a named tensor');
      await expectRefused(
        golden("whole-module", version),
        RefusedError,
        "torch.nn.modules.linear.Linear",
        ...UNTOUCHED,
      );
    }
  });

  it("with keys that are no names", async () => {
    const keyed = (key: Piece): Piece => [...EMPTY_DICT, ...key, ...tensor(), 0x73];
    await refuses(keyed(integer(7)), RefusedError, "7 is a tensor, not a named tensor");
    await refuses(keyed(EMPTY_TUPLE), FormatError, "a tuple is the key of a dict");
    await refuses(
      [...EMPTY_DICT, ...MARK, ...text("a"), ...NONE, ...text("a"), ...NONE, 0x75],
      FormatError,
      '"a" occurs twice',
    );
  });
});

const ARGUMENTS = new URL(
  "../../../shared/corpus/odd/training_args-is-not-an-adapter/training_args.bin",
  import.meta.url,
);
const absent = !existsSync(ARGUMENTS);

describe.skipIf(absent)(
  `a stranger's training_args.bin${absent ? " (skipped: there is no ../shared/corpus)" : ""}`,
  () => {
    it("is refused as what it is", async () => {
      await expectRefused(
        new Uint8Array(readFileSync(ARGUMENTS)),
        RefusedError,
        "the settings of a training run (transformers.training_args.TrainingArguments), not an adapter",
      );
    });
  },
);
