import { render } from "preact";
import "./style.css";
import "./frame.css";
import "./charts.css";
import "./module.css";
import "./views.css";
import "./merge.css";
import { begin } from "./state/begin.ts";
import { App } from "./views/app.tsx";

void begin();
render(<App />, document.getElementById("app")!);
