import { effect, signal } from "@preact/signals";
import { sentenceOf } from "./explorer.ts";
import { form, type KeptForm, restoreForm } from "./kept-form.ts";
import { inOrder, type MadeMerge, merges } from "./merge.ts";

/** Why results and the form are not kept over a reload; null if they are. */
export const keepingError = signal<string | null>(null);

const RESULTS = "results";
const FORM = "form";
/** Goes up with every change of what is kept; what has another layout is forgotten. */
const LAYOUT = 5;

function answer<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("lora-lego", LAYOUT);
  request.onupgradeneeded = () => {
    for (const store of [...request.result.objectStoreNames]) request.result.deleteObjectStore(store);
    request.result.createObjectStore(RESULTS, { keyPath: "number" });
    request.result.createObjectStore(FORM);
  };
  return answer(request);
}

/** Bring back the results and the form of an earlier visit, and keep those to come. @returns whether there were results */
export async function keepOverReloads(): Promise<boolean> {
  try {
    const base = await open();
    await keepForm(base);
    return await keepResults(base);
  } catch (error) {
    failed(error);
    return false;
  }
}

async function keepForm(base: IDBDatabase): Promise<void> {
  const before = (await answer(base.transaction(FORM).objectStore(FORM).get(FORM))) as KeptForm | undefined;
  if (before !== undefined) restoreForm(before);
  effect(() => {
    writing(base, FORM).put(form.value, FORM);
  });
}

async function keepResults(base: IDBDatabase): Promise<boolean> {
  const before = (await answer(base.transaction(RESULTS).objectStore(RESULTS).getAll())) as MadeMerge[];
  merges.value = inOrder([...merges.value, ...before]);
  let kept = new Map(before.map((made) => [made.number, made]));
  effect(() => {
    const store = writing(base, RESULTS);
    const now = new Map(merges.value.map((made) => [made.number, made]));
    // What is found in a result later is kept with it.
    for (const [number, made] of now) if (kept.get(number) !== made) store.put(made);
    for (const number of kept.keys()) if (!now.has(number)) store.delete(number);
    kept = now;
  });
  return before.length > 0;
}

/** A store to write to, which says where that fails. */
function writing(base: IDBDatabase, name: string): IDBObjectStore {
  const transaction = base.transaction(name, "readwrite");
  transaction.onabort = () => failed(transaction.error);
  return transaction.objectStore(name);
}

function failed(error: unknown): void {
  keepingError.value = `The browser does not keep results over a reload (${sentenceOf(error)}); download them.`;
}
