import type { RedisClient } from "./bull.ts";
import { contentId } from "./wire.ts";

const INDEX = "lora-lego:works";
const textKey = (id: string): string => `lora-lego:work:${id}`;
const refusalsKey = (id: string): string => `lora-lego:refusals:${id}`;
/** Work of a producer that never came back is forgotten after this many seconds, by the clock of Redis. */
const KEPT_SECONDS = 7 * 24 * 3600;

/** The name of a work's queue. */
export function queueName(id: string): string {
  return `lora-lego-${id.slice(0, 32)}`;
}

/** What work there is, in Redis: producers announce it, workers look for it and say what they cannot do. */
export class Board {
  readonly #client: RedisClient;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** Announce work, or keep it for longer. @returns its name */
  async announce(text: string): Promise<string> {
    const id = contentId(text);
    await this.#client.set(textKey(id), text, { EX: KEPT_SECONDS });
    await this.#client.hset(INDEX, { [id]: "" });
    return id;
  }

  /** The names of all work. */
  async works(): Promise<string[]> {
    return Object.keys(await this.#client.hgetall(INDEX));
  }

  /** The text of a work; null if it was forgotten, or is not what its name says. */
  async textOf(id: string): Promise<string | null> {
    const text = await this.#client.get(textKey(id));
    return text !== null && contentId(text) === id ? text : null;
  }

  async withdraw(id: string): Promise<void> {
    await this.#client.hdel(INDEX, id);
    await this.#client.del(textKey(id), refusalsKey(id));
  }

  /** Say why a worker leaves work to others. */
  async refuse(id: string, worker: string, why: string): Promise<void> {
    await this.#client.hset(refusalsKey(id), { [worker]: why });
  }

  /** Why which workers leave work to others. */
  refusals(id: string): Promise<Readonly<Record<string, string>>> {
    return this.#client.hgetall(refusalsKey(id));
  }
}
