import { signal } from "@preact/signals";

/** Whether the page is at its first view: the example set drawn, and nothing else. */
export const intro = signal(false);
