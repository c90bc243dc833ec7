import { expose } from "comlink";

/** A question of the page, as the worker hears it; the test answers when it likes. */
export interface Asked {
  readonly method: string;
  readonly args: readonly unknown[];
  answer(value?: unknown): void;
  refuse(error: Error): void;
}

/** What the worker is told, and answers at once. */
const TOLD = ["close", "rename", "endOverview", "cancelMerge"];

/** The explorer's worker behind a real channel: it hears every question and answers none by itself. */
export class FakeWorker {
  /** The page's end of the channel. */
  readonly port: MessagePort;
  readonly #own: MessagePort;
  readonly #heard: Asked[] = [];
  readonly told: { readonly method: string; readonly args: readonly unknown[] }[] = [];

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.#own = port2;
    const hear =
      (method: string) =>
      (...args: unknown[]): Promise<unknown> | undefined => {
        if (TOLD.includes(method)) return void this.told.push({ method, args });
        return new Promise((answer, refuse) => this.#heard.push({ method, args, answer, refuse }));
      };
    expose(new Proxy({}, { get: (_, method) => hear(String(method)) }), port2);
  }

  /** The next question of a kind, waited for. */
  async next(method: string): Promise<Asked> {
    for (;;) {
      const at = this.#heard.findIndex((asked) => asked.method === method);
      if (at >= 0) return this.#heard.splice(at, 1)[0]!;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** Kinds of the questions that are heard and not taken by `next`. */
  get waiting(): string[] {
    return this.#heard.map(({ method }) => method);
  }

  end(): void {
    this.port.close();
    this.#own.close();
  }
}
