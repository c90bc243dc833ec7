/** The longest task of a page's own thread while something happens, in ms of its processor time: drawing waits for processors that others use. */
export async function longestTask(page, action) {
  const session = await page.context().newCDPSession(page);
  const { processInfo } = await (await page.context().browser().newBrowserCDPSession()).send(
    "SystemInfo.getProcessInfo",
  );
  const renderers = new Set(processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id));
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", { categories: "toplevel", transferMode: "ReportEvents" });
  await action();
  const complete = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.end");
  await complete;
  const threads = events.filter(
    ({ name, args, pid }) => name === "thread_name" && args.name === "CrRendererMain" && renderers.has(pid),
  );
  const mine = new Set(threads.map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ pid, tid, name }) => mine.has(`${pid} ${tid}`) && name.endsWith("RunTask"));
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}
