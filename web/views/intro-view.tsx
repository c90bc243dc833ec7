import { useEffect } from "preact/hooks";
import { openAdapters } from "../state/adapters.ts";
import { exploreExample } from "../state/begin.ts";
import { k, plane, wantedK } from "../state/module.ts";
import { calm } from "./motion.ts";
import { OpenButton } from "./open-dialog.tsx";
import { Mark } from "./palette.tsx";
import { UnitPlane } from "./unit-plane.tsx";

/** The first ks that are shown, down to the one that is recommended for the example set, and for how long each; all of it takes less than five seconds. */
const SHOWN = [28, 22, 16, 12];
const SHOWN_MS = 1100;

/** The first view: the example set drawn, what it means, and one thing to do. */
export function Intro() {
  const opened = plane.value;
  const ready = opened !== null && opened.units.length > 0;
  useEffect(() => (ready ? playOnce() : undefined), [ready]);
  return (
    <section class="intro" aria-labelledby="intro-title">
      <div class="story">
        <h2 id="intro-title">Merge LoRAs into one, and see how</h2>
        <ol>
          <li>Seven adapters are drawn, each in its colour: one mark is one of its ranks.</li>
          <li>Marks that point alike are outlined, and become one rank of the merged adapter.</li>
          <li>k sets how many there are; then you download the result.</li>
        </ol>
        <label class="k">
          <span>
            k = <output>{k.value}</output>
          </span>
          <input
            type="range"
            aria-label="clusters k"
            min={1}
            max={opened?.units.length ?? k.value}
            value={k.value}
            onInput={({ currentTarget }) => {
              wantedK.value = currentTarget.valueAsNumber;
            }}
          />
        </label>
        <p class="legend">
          {openAdapters.value.map(({ name }, t) => (
            <span key={name}>
              <Mark index={t} /> {name}
            </span>
          ))}
        </p>
        <OpenButton class="primary large" text="Open yours" />
        <button type="button" class="quiet" onClick={exploreExample}>
          Explore the example
        </button>
      </div>
      <div class="stage">{ready && <UnitPlane plane={opened} bare />}</div>
    </section>
  );
}

/** Let k fall once, until somebody moves it; for whoever asked for less motion it is where it would end. */
function playOnce(): () => void {
  if (calm()) {
    wantedK.value = SHOWN.at(-1)!;
    return () => {};
  }
  let step = 0;
  wantedK.value = SHOWN[0]!;
  const timer = setInterval(() => {
    const touched = wantedK.peek() !== SHOWN[step];
    step++;
    if (touched || step >= SHOWN.length) return clearInterval(timer);
    wantedK.value = SHOWN[step]!;
  }, SHOWN_MS);
  return () => clearInterval(timer);
}
