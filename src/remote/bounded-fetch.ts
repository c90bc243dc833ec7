import { bodyChunks } from "./body.ts";
import type { ServerAccess } from "./request.ts";

/** Answers to an upload are a few lines of JSON for each file. */
const MOST_BYTES = 16 << 20;

/**
 * A fetch for a package that reads whole answers: their bodies are bounded in size and time.
 *
 * @param name the answer's name in messages
 */
export function boundedFetch({ fetch, patience }: ServerAccess, name: string): typeof fetch {
  return async (...request) => {
    const response = await fetch(...request);
    if (response.body === null) return response;
    const parts: BlobPart[] = [];
    for await (const chunk of bodyChunks(response, { name, most: MOST_BYTES, patience })) parts.push(chunk.slice());
    return Object.defineProperty(new Response(new Blob(parts), response), "url", { value: response.url });
  };
}
