/** Debian's Chromium, or where CHROMIUM says it is. */
export const CHROMIUM: string = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const CHROMIUM_ARGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--no-first-run",
];
