/** The page's own plane with units made up: ?units=20000. `regroup()` joins its clusters by pairs. */
import { h, render } from "preact";
import "../../web/style.css";
import "../../web/module.css";
import { clustering } from "../../web/state/module.ts";
import { UnitPlane } from "../../web/views/unit-plane.tsx";

const ADAPTERS = 7;
/** The most clusters: a rank that few adapters exceed. */
const MOST_CLUSTERS = 256;
const count = Number(new URLSearchParams(location.search).get("units"));
const ids = Array.from({ length: count }, (_, i) => [i % ADAPTERS, Math.floor(i / ADAPTERS)]);
/** Units of a cluster: two of each adapter, or more. */
const size = Math.max(2 * ADAPTERS, Math.ceil(count / MOST_CLUSTERS));
// Clusters spread evenly (the golden ratio's sequence in the plane), units around their middles.
const spread = (i) => [(i * 0.7548776662) % 1, (i * 0.569840291) % 1];
const coordinates = ids.map((_, i) => {
  const [middle, own] = [spread(Math.floor(i / size)), spread(i)];
  return middle.map((value, axis) => value + 0.06 * (own[axis] - 0.5));
});
const plane = {
  name: "made up",
  units: ids.map((id) => ({ id, lengthA: 1, lengthB: 1 })),
  coordinates,
  explained: [0.5, 0.5],
};

function clustersOf(each) {
  const clusters = Array.from({ length: Math.ceil(count / each) }, (_, c) => ({
    members: Array.from({ length: Math.min(each, count - c * each) }, (_, j) => c * each + j),
    reweight: 1,
  }));
  return { k: clusters.length, clusters };
}

clustering.value = clustersOf(size);
globalThis.regroup = () => {
  clustering.value = clustersOf(2 * size);
};
const app = document.getElementById("app");
app.style.cssText = "display: grid; width: 616px; height: 600px";
render(h(UnitPlane, { plane }), app);
