import { CHROMA } from "./chroma.ts";
import type { Family } from "./family.ts";
import { FLUX1 } from "./flux1.ts";
import { FLUX2 } from "./flux2.ts";
import { HUNYUAN_VIDEO } from "./hunyuan-video.ts";
import { LTX } from "./ltx.ts";
import { LUMINA2 } from "./lumina2.ts";
import { PIXART } from "./pixart.ts";
import { QWEN_IMAGE } from "./qwen-image.ts";
import { SD3 } from "./sd3.ts";
import { CLIP, T5 } from "./text-encoders.ts";
import { UNET } from "./unet.ts";
import { WAN } from "./wan.ts";
import { Z_IMAGE } from "./z-image.ts";

/** The models that image and video programs generate with. Where names and sizes leave several open, the first is the likeliest. */
export const DENOISERS: readonly Family[] = [
  UNET,
  FLUX1,
  WAN,
  QWEN_IMAGE,
  Z_IMAGE,
  HUNYUAN_VIDEO,
  CHROMA,
  SD3,
  LUMINA2,
  FLUX2,
  LTX,
  PIXART,
];

/** Their text encoders. */
export const TEXT_ENCODERS: readonly Family[] = [CLIP, T5];

/** A family by its id. */
export function familyById(id: string): Family {
  return [...DENOISERS, ...TEXT_ENCODERS].find((family) => family.id === id)!;
}
