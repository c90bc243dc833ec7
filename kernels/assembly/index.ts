// What src/kernels/wasm.ts sees of this folder.
export { combine } from "./combine";
export { denseProduct, invertedPivots, pivotedRoot, reflectBack, tridiagonalize, turnBack } from "./dense";
export { draw, dropDrawn } from "./draws";
export { electedMean } from "./elect";
export { countLower, countUpper } from "./magnitudes";
export { ARENA_START } from "./memory";
export { assign, settle, swap, swapTerms } from "./moves";
export { multiply } from "./multiply";
export { narrow, narrowTransposed } from "./narrow";
export { cross, gram, gramF64, manhattan } from "./pairs";
export { ascending, dropRanked } from "./ranks";
export { add, maxAbs, prune, scale, squaredNorms } from "./rows";
export { tileColumns, tileDifferences, tileF32, tileF64, tileSums } from "./tiles";
export { agglomerate } from "./ward";
export { widen, widenTransposed } from "./widen";
