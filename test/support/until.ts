type Found<T> = T | undefined | false;

/**
 * Waits until a condition holds, looking again every few milliseconds, and gives back what it then is. Fails after `deadline`
 * milliseconds; `what` says in the failure what was waited for.
 */
export async function until<T>(
  what: string,
  condition: () => Found<T> | Promise<Found<T>>,
  deadline = 60_000,
): Promise<T> {
  const end = Date.now() + deadline;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`this did not happen within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
