// The page loads it, and with it text fields hear of every letter where they listen to a change.
import "preact/compat";
import { type ComponentChild, render } from "preact";
import { afterEach } from "vitest";

let root: HTMLElement | null = null;

/** Draw a view alone on the page until the test ends. */
export function mount(view: ComponentChild): HTMLElement {
  root = document.body.appendChild(document.createElement("div"));
  render(view, root);
  return root;
}

afterEach(() => {
  if (root === null) return;
  render(null, root);
  root.remove();
  root = null;
});
