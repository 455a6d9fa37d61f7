/** Resolves when `work` ends, either way, and after `ms` at the latest; `work` itself goes on. */
export async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  if (!work) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(end, end);
  });
}
