import { QueueError, UsageError } from "../core/errors.ts";

/** The package bullmq. */
export type Bull = typeof import("bullmq");

/** How BullMQ reaches Redis: as long as it takes, once the first contact was made. */
export interface Connection {
  readonly url: string;
  readonly maxRetriesPerRequest: null;
}

/** A queue that answers. */
export interface Reached {
  readonly bull: Bull;
  readonly connection: Connection;
  /** A client for keys beside BullMQ's. */
  readonly client: RedisClient;
  /** Whether Redis does not answer now, so that what is asked of it waits. */
  isAway(): boolean;
  close(): Promise<void>;
}

/** What BullMQ offers of a Redis client. */
export type RedisClient = Awaited<import("bullmq").RedisConnection["client"]>;

/**
 * Load BullMQ and reach Redis.
 *
 * @param url redis:// or, with TLS, rediss://; user and password stand in it
 * @throws UsageError for another URL, or if bullmq is not installed; QueueError if Redis does not answer
 */
export async function reachQueue(url: string): Promise<Reached> {
  const shown = shownUrl(url);
  const bull = await loadBull();
  const first = new bull.RedisConnection({ url, maxRetriesPerRequest: null, retryStrategy: () => null });
  let why = "it closed the connection";
  first.on("error", (error: Error) => {
    why = error.message || (error as Error & { code?: string }).code || why;
  });
  try {
    await (await first.client).info();
  } catch {
    throw new QueueError(`Redis at ${shown} does not answer (${why}); start redis-server there, or correct --queue.`);
  } finally {
    await first.close(true).catch(() => {});
  }
  const connection = { url, maxRetriesPerRequest: null } as const;
  const kept = new bull.RedisConnection({ ...connection });
  // Without a listener, a Redis that restarts would end the process.
  kept.on("error", () => {});
  const client = await kept.client;
  const isAway = (): boolean => client.status !== "ready";
  return { bull, connection, client, isAway, close: () => kept.close(isAway()) };
}

async function loadBull(): Promise<Bull> {
  try {
    return await import("bullmq");
  } catch {
    throw new UsageError(
      "A queue needs the package bullmq, which is not installed; run npm install bullmq@5 where lora-lego is installed (with -g if that is global).",
    );
  }
}

/** A queue's address without user and password. @throws UsageError for anything but redis:// and rediss:// */
export function shownUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol) || parsed.hostname === "") {
    throw new UsageError("--queue is no address of a Redis; write redis://host:6379, or rediss:// for TLS.");
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname === "/" ? "" : parsed.pathname}`;
}
