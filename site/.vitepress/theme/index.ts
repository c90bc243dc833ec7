import { useRoute } from "vitepress";
import DefaultTheme from "vitepress/theme";
import { nextTick, onMounted, watch } from "vue";
import { makeSortable } from "./sortable";
import "./style.css";

/** VitePress' own theme, with tables that can be sorted. */
export default {
  extends: DefaultTheme,
  setup() {
    const route = useRoute();
    const prepare = () =>
      nextTick(() => document.querySelectorAll<HTMLTableElement>(".vp-doc table").forEach(makeSortable));
    onMounted(prepare);
    watch(() => route.path, prepare);
  },
};
