import ts from "typescript";
import { publicSymbols } from "./mentioned-types.ts";

/** An example out of the docstring of a public function. */
export interface DocExample {
  readonly name: string;
  readonly code: string;
  /** What it says that it prints: the comment behind each console.log, in their order. */
  readonly printed: readonly string[];
}

/** The functions that entries export, each with the examples of its docstring. */
export function docExamples(entries: readonly string[]): ReadonlyMap<string, readonly DocExample[]> {
  const { checker, exported } = publicSymbols(entries);
  const functions = [...exported].filter(({ flags }) => flags & ts.SymbolFlags.Function);
  return new Map(
    functions.map((symbol) => {
      const tags = symbol.getJsDocTags(checker).filter(({ name }) => name === "example");
      return [symbol.name, tags.map(({ text }) => exampleOf(symbol.name, ts.displayPartsToString(text)))];
    }),
  );
}

function exampleOf(name: string, text: string): DocExample {
  const code = /^```ts\n([\s\S]*?)\n?```$/.exec(text.trim())?.[1];
  if (code === undefined) throw new Error(`the example of ${name} is no block of ts`);
  const printed = Array.from(code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm), ([, said]) => said!);
  return { name, code, printed };
}
