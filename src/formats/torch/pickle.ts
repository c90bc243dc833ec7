import { FormatError, RefusedError } from "../../core/errors.ts";
import { showJson } from "../json.ts";
import { PickleReader } from "./pickle-reader.ts";
import { allowedGlobal, callGlobal, setState, storageOf } from "./rebuild.ts";
import { describeValue, PickleDict, type PickleValue, SAVE_INSTEAD, Unread } from "./values.ts";

/** About forty per tensor, so a hundred thousand tensors; bounds time. */
export const MAX_OPCODES: number = 1 << 22;

/** Tuples, dicts, storages and tensors: nine per tensor. Bounds memory, at some hundred bytes per object. */
export const MAX_OBJECTS: number = 1 << 20;

/** A state dict has at most four marks open at once. */
export const MAX_MARKS: number = 1000;

const PROTO = 0x80;
const STOP = 0x2e;
const FIRST_PROTOCOL = 2;
const LAST_PROTOCOL = 5;

const FLOAT = new Unread("a float");
const LIST = new Unread("a list");
const EMPTY_TUPLE: readonly PickleValue[] = [];

/** Opcodes that build objects of foreign classes, by the names that Python gives them. */
const FORBIDDEN: ReadonlyMap<number, string> = new Map([
  [0x69, "INST"],
  [0x6f, "OBJ"],
  [0x81, "NEWOBJ"],
  [0x92, "NEWOBJ_EX"],
  [0x82, "EXT1"],
  [0x83, "EXT2"],
  [0x84, "EXT4"],
  [0x50, "PERSID"],
]);

/** Exactly what Python writes for dicts of tensors in protocols 2 to 5. */
const OPERATIONS: readonly (((machine: Unpickler) => void) | undefined)[] = table([
  [0x95, (m) => m.frame()],
  // Values.
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4b, (m) => m.push(m.unsigned(1))],
  [0x4d, (m) => m.push(m.unsigned(2))],
  [0x4a, (m) => m.push(m.unsigned(4) | 0)],
  [0x8a, (m) => m.push(m.long())],
  [0x47, (m) => m.float()],
  [0x8c, (m) => m.push(m.text(m.unsigned(1)))],
  [0x58, (m) => m.push(m.text(m.unsigned(4)))],
  [0x8d, (m) => m.push(m.text(m.unsigned(8)))],
  // Tuples, dicts and lists.
  [0x28, (m) => m.mark()],
  [0x29, (m) => m.push(EMPTY_TUPLE)],
  [0x85, (m) => m.push(m.pops(1))],
  [0x86, (m) => m.push(m.pops(2))],
  [0x87, (m) => m.push(m.pops(3))],
  [0x74, (m) => m.push(m.popsToMark())],
  [0x7d, (m) => m.push(new PickleDict(false))],
  [0x73, (m) => m.setItems(m.pops(2))],
  [0x75, (m) => m.setItems(m.popsToMark())],
  [0x5d, (m) => m.push(LIST)],
  [0x61, (m) => m.append(m.pops(1))],
  [0x65, (m) => m.append(m.popsToMark())],
  // The memo.
  [0x71, (m) => m.memoize(m.unsigned(1))],
  [0x72, (m) => m.memoize(m.unsigned(4))],
  [0x94, (m) => m.memoize(m.memo.length)],
  [0x68, (m) => m.recall(m.unsigned(1))],
  [0x6a, (m) => m.recall(m.unsigned(4))],
  // Names, calls of them, and what torch.save keeps outside the pickle.
  [0x63, (m) => m.push(allowedGlobal(m.line(), m.line(), m.fileName))],
  [0x93, (m) => m.stackGlobal()],
  [0x52, (m) => m.reduce()],
  [0x62, (m) => m.build()],
  [0x51, (m) => m.push(storageOf(m.pop(), m.fileName))],
]);

/**
 * Read the pickle of a torch.save archive: dicts of tensors, by an allow-list of opcodes and names. Nothing in it is
 * imported, constructed or called; reading stops at a name that is not on the list.
 * @param bytes the pickle, whole.
 * @param fileName what messages call the file that holds it.
 * @throws FormatError where it is damaged, or larger than any state dict; RefusedError where it holds anything but tensors.
 */
export function unpickle(bytes: Uint8Array, fileName: string): PickleValue {
  return new Unpickler(bytes, fileName).run();
}

class Unpickler extends PickleReader {
  readonly memo: PickleValue[] = [];
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private objects = 0;

  run(): PickleValue {
    const protocol = this.bytes[0] === PROTO ? this.bytes[1] : undefined;
    if (protocol === undefined || protocol < FIRST_PROTOCOL || protocol > LAST_PROTOCOL) {
      this.fail(`it does not start as a pickle of protocol ${FIRST_PROTOCOL} to ${LAST_PROTOCOL}`);
    }
    this.at = 2;
    for (let count = 0; count < MAX_OPCODES; count++) {
      const opcode = this.unsigned(1);
      if (opcode === STOP) return this.result();
      const operation = OPERATIONS[opcode] ?? this.refuseOpcode(opcode);
      operation(this);
    }
    this.refuseLength(MAX_OPCODES, "opcodes");
  }

  push(value: PickleValue): void {
    if (typeof value === "object" && value !== null && ++this.objects > MAX_OBJECTS)
      this.refuseLength(MAX_OBJECTS, "objects");
    this.stack.push(value);
  }

  pop(): PickleValue {
    return this.pops(1)[0]!;
  }

  pops(count: number): PickleValue[] {
    const begin = this.stack.length - count;
    if (begin < (this.marks.at(-1) ?? 0)) this.fail("an opcode takes a value that is not there");
    return this.stack.splice(begin);
  }

  popsToMark(): PickleValue[] {
    const mark = this.marks.pop() ?? this.fail("an opcode takes values back to a mark that is not there");
    return this.stack.splice(mark);
  }

  mark(): void {
    if (this.marks.length === MAX_MARKS) this.fail(`it nests deeper than ${MAX_MARKS}`);
    this.marks.push(this.stack.length);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict)) this.fail(`it sets an item of ${describeValue(dict)}`);
    if (items.length % 2 === 1) this.fail("a dict has a key without a value");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (typeof key !== "string" && typeof key !== "number") this.fail(`${describeValue(key)} is the key of a dict`);
      if (!dict.add(key, items[i + 1]!)) this.fail(`the key ${showJson(key)} occurs twice`);
    }
  }

  /** Lists are never part of a tensor, so their items need not be kept. */
  append(_items: readonly PickleValue[]): void {
    const list = this.top();
    if (list !== LIST) this.fail(`it appends to ${describeValue(list)}`);
  }

  /** Python numbers memo entries from 0, so the memo is no larger than the pickle. */
  memoize(index: number): void {
    if (index > this.memo.length) this.fail(`it skips to entry ${index} of the memo`);
    this.memo[index] = this.top();
  }

  recall(index: number): void {
    if (index >= this.memo.length) this.fail(`it takes entry ${index} of the memo, which is not there`);
    this.stack.push(this.memo[index]!);
  }

  stackGlobal(): void {
    const [module, name] = this.pops(2);
    if (typeof module !== "string" || typeof name !== "string") this.fail("a global's name is not a string");
    this.push(allowedGlobal(module, name, this.fileName));
  }

  reduce(): void {
    const [callable, args] = this.pops(2);
    this.push(callGlobal(callable!, args!, this.fileName));
  }

  build(): void {
    const state = this.pop();
    setState(this.top(), state, this.fileName);
  }

  frame(): void {
    const length = this.unsigned(8);
    if (length > this.bytesLeft) this.fail(`a frame of ${length} bytes reaches beyond its end`);
  }

  float(): void {
    this.skip(8);
    this.push(FLOAT);
  }

  private top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  private result(): PickleValue {
    const value = this.pop();
    if (this.stack.length > 0 || this.marks.length > 0) this.fail("it leaves values behind");
    if (this.bytesLeft > 0) this.fail(`${this.bytesLeft} bytes follow its end`);
    return value;
  }

  private refuseLength(most: number, what: string): never {
    throw new FormatError(
      `${this.fileName}: its pickle has more than ${most} ${what}, more than any adapter's; ${SAVE_INSTEAD}.`,
    );
  }

  private refuseOpcode(opcode: number): never {
    const name = FORBIDDEN.get(opcode) ?? "an opcode";
    const what = `${name} (0x${opcode.toString(16).padStart(2, "0")})`;
    throw new RefusedError(`${this.fileName}: its pickle uses ${what}, which no plain tensor needs; ${SAVE_INSTEAD}.`);
  }
}

function table(
  operations: readonly (readonly [number, (machine: Unpickler) => void])[],
): readonly (((machine: Unpickler) => void) | undefined)[] {
  const rows: (((machine: Unpickler) => void) | undefined)[] = new Array(256).fill(undefined);
  for (const [opcode, operation] of operations) rows[opcode] = operation;
  return rows;
}
