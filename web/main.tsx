import { render } from "preact";
import "./style.css";
import "./views.css";
import { addServed, opening } from "./state/adapters.ts";
import { App } from "./views/app.tsx";

render(<App />, document.getElementById("app")!);

// `lora-lego ui` lists the adapters that it was given; a static host has no such list.
const given = document.querySelector<HTMLMetaElement>('meta[name="lora-lego-adapters"]')?.content;
if (given !== undefined) opening(() => addServed(given));
