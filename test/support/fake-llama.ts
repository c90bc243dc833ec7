import type { LlamaModule, LlamaSequence } from "../../src/node/evaluate/llama.ts";

const VOCABULARY = 128;
const BOS = 1;
const SPACE_OF_LOGITS = 13;

/** A model whose tokens are characters, and whose logits depend on all tokens before and on the number of adapters. */
function logitsAfter(tokens: readonly number[], adapters: number): number[] {
  const history = tokens.reduce((hash, token) => (hash * 31 + token) % 9973, 7 + adapters);
  return Array.from({ length: VOCABULARY }, (_, token) => ((history * 17 + token * token) % SPACE_OF_LOGITS) / 4);
}

/** Log-probability of a text behind another, by the definition. */
export function logProbability(prompt: string, text: string, adapters = 0): number {
  const codes = (of: string): number[] => [...of].map((letter) => letter.charCodeAt(0));
  return codes(text).reduce((sum, token, i) => {
    const logits = logitsAfter([BOS, ...codes(prompt), ...codes(text).slice(0, i)], adapters);
    return sum + logits[token]! - Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
  }, 0);
}

interface ContextOptions {
  readonly sequences: number;
  readonly threads: number;
  readonly contextSize: number;
  readonly lora?: { readonly adapters: readonly { readonly filePath: string; readonly scale: number }[] };
}

/** node-llama-cpp with that model; every context that is made is told. */
export function fakeLlama(onContext: (options: ContextOptions) => void = () => {}): LlamaModule {
  return {
    getLlama: async () => ({
      loadModel: async () => ({
        trainContextSize: 64,
        tokens: { bos: BOS, shouldPrependBosToken: true },
        tokenize: (text) => [...text].map((letter) => letter.charCodeAt(0)),
        async createContext(options) {
          const told = options as ContextOptions;
          onContext(told);
          const used = told.lora?.adapters.length ?? 0;
          return { getSequence: () => sequence(told.contextSize, used), dispose: async () => {} };
        },
        dispose: async () => {},
      }),
      dispose: async () => {},
    }),
  };
}

function sequence(contextSize: number, adapters: number): LlamaSequence {
  const history: number[] = [];
  return {
    get nextTokenIndex() {
      return history.length;
    },
    async controlledEvaluate(input) {
      return input.map((entry) => {
        history.push(typeof entry === "number" ? entry : entry[0]);
        if (history.length > contextSize) throw new Error("The context is full.");
        if (typeof entry === "number") return undefined;
        const logits = logitsAfter(history, adapters);
        const largest = Math.max(...logits);
        const { filter } = entry[1].generateNext.logits as { filter: { tokens: number[] } };
        const shown = [...filter.tokens, logits.indexOf(largest)];
        return {
          next: {
            logits: new Map(shown.map((token) => [token, logits[token]!])),
            totalLogitWeight: logits.reduce((total, logit) => total + Math.exp(logit - largest), 0),
          },
        };
      });
    },
    async clearHistory() {
      history.length = 0;
    },
    async eraseContextTokenRanges([range]) {
      history.splice(range!.start, range!.end - range!.start);
    },
  };
}
