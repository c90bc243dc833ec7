import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright";
import type { MockHub } from "../support/mock-hub.ts";

/** The files of a folder, for a repository of the mocked Hub. */
export function filesOf(folder: string): Record<string, Buffer> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
}

/** Let a mocked Hub answer what a page asks of the real one. */
export async function answerForTheHub(page: Page, hub: MockHub): Promise<void> {
  await page.context().route("https://huggingface.co/**", async (route) => {
    const { pathname, search } = new URL(route.request().url());
    const { range } = route.request().headers();
    const answer = await fetch(
      `${hub.endpoint}${pathname}${search}`,
      range === undefined ? {} : { headers: { range } },
    );
    await route.fulfill({
      status: answer.status,
      headers: {
        ...Object.fromEntries(answer.headers),
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "*",
      },
      body: Buffer.from(await answer.arrayBuffer()),
    });
  });
}
