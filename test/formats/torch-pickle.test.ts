import { describe, it } from "vitest";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { MAX_MARKS, MAX_OBJECTS, MAX_OPCODES } from "../../src/formats/torch/pickle.ts";
import { MAX_PICKLE_BYTES } from "../../src/formats/torch/read.ts";
import { MAX_TENSORS } from "../../src/formats/torch/tensors.ts";
import {
  call,
  checkpoint,
  checkpointFiles,
  dict,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_TUPLE,
  global,
  integer,
  MARK,
  NONE,
  ORDERED_DICT,
  type Piece,
  pickled,
  REDUCE,
  rawZip,
  tensor,
  text,
  tuple,
} from "../support/torch.ts";
import { expectRefused } from "../support/torch-refused.ts";

/** A checkpoint with this pickle is refused in one sentence that has all `parts`. */
const refuses = (root: Piece, kind: typeof FormatError | typeof RefusedError, ...parts: string[]) =>
  expectRefused(checkpoint(root), kind, ...parts);

const UNTOUCHED = ["nothing was executed", "safetensors.torch.save_file"];
/** A pickle of one piece over and over. */
const repeated = (piece: Piece, times: number): Uint8Array => {
  const bytes = new Uint8Array(2 + piece.length * times + 1);
  bytes.set([0x80, 4]);
  for (let i = 0; i < times; i++) bytes.set(piece, 2 + i * piece.length);
  bytes[bytes.length - 1] = 0x2e;
  return bytes;
};
const withPickle = (bytes: Uint8Array): Uint8Array => rawZip(checkpointFiles(bytes));

describe("readTorch executes nothing and refuses by name", () => {
  it.each([
    ["os", "system"],
    ["posix", "system"],
    ["builtins", "eval"],
    ["builtins", "getattr"],
    ["torch", "load"],
    ["torch.serialization", "load"],
    ["torch", "storage.UntypedStorage"],
    ["torch._utils", "_rebuild_sparse_tensor"],
    ["numpy.core.multiarray", "_reconstruct"],
    ["collections", "OrderedDict.fromkeys"],
    ["__proto__", "constructor"],
  ])("calls of %s.%s", async (module, name) => {
    await refuses(call(module, name, text("echo")), RefusedError, `names ${module}.${name}`, ...UNTOUCHED);
    await refuses([...text(module), ...text(name), 0x93], RefusedError, `names ${module}.${name}`, ...UNTOUCHED);
    await refuses(dict({ a: tensor({ storage: call(module, name) }) }), RefusedError, `names ${module}.${name}`);
  });

  it("names that hold control characters or are endless, shown safely and in part", async () => {
    await refuses(global("os\u001b[2J", "system"), RefusedError, "os\\u001b[2J.system");
    await refuses(global("x".repeat(1e6), "y"), RefusedError, "xxx...");
  });

  it.each([
    [0x69, "INST"],
    [0x6f, "OBJ"],
    [0x81, "NEWOBJ"],
    [0x92, "NEWOBJ_EX"],
    [0x82, "EXT1"],
    [0x83, "EXT2"],
    [0x84, "EXT4"],
    [0x50, "PERSID"],
    [0x8b, "0x8b"],
    [0x8e, "0x8e"],
    [0x30, "0x30"],
    [0x49, "0x49"],
    [0x53, "0x53"],
    [0x98, "0x98"],
    [0x00, "0x00"],
    [0xff, "0xff"],
  ])("opcode %i, %s", async (opcode, name) => {
    await refuses([opcode, 0x2e], RefusedError, name, ...UNTOUCHED);
  });

  it("calls of what is no function, and calls within calls", async () => {
    await refuses([...text("os.system"), ...tuple(), ...REDUCE], RefusedError, "calls a string", ...UNTOUCHED);
    await refuses(call("torch", "FloatStorage", integer(8)), RefusedError, "calls torch.FloatStorage");
    await refuses([...ORDERED_DICT, ...EMPTY_TUPLE, ...REDUCE], RefusedError, "calls a dict");
    const nested = tensor({ hooks: call("builtins", "exec", text("1")) });
    await refuses(dict({ a: nested }), RefusedError, "names builtins.exec");
  });

  it("attributes other than the versions of a state dict", async () => {
    const build = (object: Piece, state: Piece): Piece => [...object, ...state, 0x62];
    await refuses(build(ORDERED_DICT, dict({ __class__: NONE })), RefusedError, "sets attributes of a dict");
    await refuses(build(ORDERED_DICT, dict({ _metadata: NONE })), RefusedError, "sets attributes");
    await refuses(build(EMPTY_DICT, dict({ _metadata: EMPTY_DICT })), RefusedError, "sets attributes");
    await refuses(build(tensor(), EMPTY_DICT), RefusedError, "sets attributes of a tensor", ...UNTOUCHED);
  });

  it("persistent ids that are no storages", async () => {
    const id = (...items: readonly Piece[]): Piece => [...tuple(...items), 0x51];
    const float = global("torch", "FloatStorage");
    await refuses(
      id(text("module"), float, text("0"), text("cpu"), integer(2)),
      FormatError,
      "not a storage of torch.save",
    );
    await refuses(id(text("storage"), float, integer(0), text("cpu"), integer(2)), FormatError, "not a storage");
    await refuses(id(text("storage"), float, text("0"), text("cpu"), integer(-2)), FormatError, "not a storage");
    await refuses(id(text("storage"), text("x"), text("0"), text("cpu"), integer(2)), FormatError, "not a storage");
    await refuses([...text("0"), 0x51], FormatError, "a string", ...UNTOUCHED);
  });
});

describe("readTorch refuses damaged and endless pickles", () => {
  it.each([
    ["that ends early", [0x58, 255, 255, 255, 255], "ends early"],
    ["with a length of 2^64 - 1", [0x8d, 255, 255, 255, 255, 255, 255, 255, 255], "ends early"],
    ["with a frame beyond its end", [0x95, 255, 255, 255, 255, 255, 255, 255, 127], "a frame"],
    ["with a string that is not UTF-8", [0x58, 1, 0, 0, 0, 0xff], "UTF-8"],
    ["with an integer of 255 bytes", [0x8a, 255], "255 bytes"],
    ["with an integer beyond 2^53", [0x8a, 8, 255, 255, 255, 255, 255, 255, 255, 127], "2^53"],
    ["with a name without end", [0x63, 0x61], "no end"],
    ["that takes from an empty stack", [0x85], "not there"],
    ["that takes from below a mark", [...NONE, ...MARK, 0x85], "not there"],
    ["without a mark", [...NONE, 0x74], "mark that is not there"],
    ["that leaves values behind", [...NONE, ...NONE], "values behind"],
    ["that leaves a mark behind", [...NONE, ...MARK], "not there"],
    ["that goes on after its end", [...NONE, 0x2e], "follow its end"],
    ["that recalls nothing", [0x68, 0], "entry 0 of the memo"],
    ["that skips in the memo", [...NONE, 0x72, 255, 255, 255, 255], "skips to entry 4294967295"],
    ["that sets items of a tuple", [...EMPTY_TUPLE, ...NONE, ...NONE, 0x73], "sets an item of a tuple"],
    ["that appends to a dict", [...EMPTY_DICT, ...NONE, 0x61], "appends to a dict"],
    ["with a key without a value", [...EMPTY_DICT, ...MARK, ...text("a"), 0x75], "without a value"],
    ["with numbers for a global", [...NONE, ...NONE, 0x93], "not a string"],
  ])("%s", async (_, root, part) => {
    await refuses(root, FormatError, "its pickle is damaged", part, "nothing was executed");
  });

  it("with negative numbers of any width, read as what they are", async () => {
    for (const number of [
      [0x4a, 255, 255, 255, 255],
      [0x8a, 1, 255],
      [0x8a, 8, 255, 255, 255, 255, 255, 255, 255, 255],
    ]) {
      await refuses(dict({ rank: number }), RefusedError, '"rank" is -1');
    }
  });

  it("of no protocol or one that does not exist", async () => {
    await expectRefused(withPickle(new Uint8Array(0)), FormatError, "does not start");
    await expectRefused(withPickle(Uint8Array.of(0x7d, 0x2e)), FormatError, "protocol 2 to 5");
    await expectRefused(withPickle(Uint8Array.of(0x80, 6, 0x7d, 0x2e)), FormatError, "protocol 2 to 5");
  });

  it("that hold themselves", async () => {
    const list: Piece = [...EMPTY_LIST, 0x71, 0, 0x68, 0, 0x61];
    await refuses(list, RefusedError, "holds a list");
    const self: Piece = [...EMPTY_DICT, 0x71, 0, ...text("state_dict"), 0x68, 0, 0x73];
    await refuses(self, RefusedError, '"state_dict"');
    await refuses([...EMPTY_DICT, 0x71, 0, ...text("a"), 0x68, 0, 0x73], RefusedError, '"a" is a dict');
  });

  it("nested deeper than any state dict, by marks and by tuples", async () => {
    await expectRefused(withPickle(repeated(MARK, MAX_MARKS + 1)), FormatError, `nests deeper than ${MAX_MARKS}`);
    const deep = Uint8Array.from([0x80, 2, 0x4e, ...new Uint8Array(1e5).fill(0x85), 0x2e]);
    await expectRefused(withPickle(deep), RefusedError, "holds a tuple");
  });

  it.each([
    ["values", NONE, MAX_OPCODES, "opcodes"],
    ["memo entries", [0x4e, 0x94], MAX_OPCODES, "opcodes"],
    ["dicts", EMPTY_DICT, MAX_OBJECTS, "objects"],
    ["tuples", [0x29, 0x85], MAX_OBJECTS, "objects"],
  ])("with endless %s", async (_, piece, most, what) => {
    const times = Math.ceil((most + 1) / (what === "objects" ? 1 : piece.length));
    await expectRefused(withPickle(repeated(piece, times)), FormatError, `more than ${most} ${what}`);
  });

  it("larger than any state dict's, before they are read", async () => {
    const files = checkpointFiles(pickled(EMPTY_DICT));
    const size = MAX_PICKLE_BYTES + 1;
    const lying = rawZip([{ ...files[0]!, size, storedSize: size }]);
    await expectRefused(lying, FormatError, `${size} bytes`, `${MAX_PICKLE_BYTES}`);
  });

  it("with more tensors than any adapter", async () => {
    const items: number[] = [...tensor(), 0x71, 0];
    const parts: number[] = [0x80, 2, ...EMPTY_DICT];
    for (let i = 0; i <= MAX_TENSORS; i++) {
      parts.push(...integer(i), ...(i === 0 ? items : [0x68, 0]), 0x73);
    }
    await expectRefused(withPickle(Uint8Array.from([...parts, 0x2e])), FormatError, `${MAX_TENSORS + 1} tensors`);
  });
});
