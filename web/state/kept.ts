import { effect, signal } from "@preact/signals";
import { sentenceOf } from "./explorer.ts";
import { inOrder, type MadeMerge, merges } from "./merge.ts";

/** Why results are not kept over a reload; null if they are. */
export const keepingError = signal<string | null>(null);

const STORE = "results";
/** Goes up with every change of what a result holds; results of another layout are forgotten. */
const LAYOUT = 4;

function answer<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("lora-lego", LAYOUT);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion > 0) request.result.deleteObjectStore(STORE);
    request.result.createObjectStore(STORE, { keyPath: "number" });
  };
  return answer(request);
}

/** Bring back the results of an earlier visit, and keep those to come. @returns whether there were any */
export async function keepResults(): Promise<boolean> {
  try {
    const base = await open();
    const before = (await answer(base.transaction(STORE).objectStore(STORE).getAll())) as MadeMerge[];
    merges.value = inOrder([...merges.value, ...before]);
    let kept = new Map(before.map((made) => [made.number, made]));
    effect(() => {
      const store = base.transaction(STORE, "readwrite").objectStore(STORE);
      const now = new Map(merges.value.map((made) => [made.number, made]));
      // What is found in a result later is kept with it.
      for (const [number, made] of now) if (kept.get(number) !== made) store.put(made);
      for (const number of kept.keys()) if (!now.has(number)) store.delete(number);
      kept = now;
      store.transaction.onabort = () => failed(store.transaction.error);
    });
    return before.length > 0;
  } catch (error) {
    failed(error);
    return false;
  }
}

function failed(error: unknown): void {
  keepingError.value = `The browser does not keep results over a reload (${sentenceOf(error)}); download them.`;
}
