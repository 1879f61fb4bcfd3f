/** The value of a JSON text; undefined if there is none or it is not JSON. Rounds integers beyond 2^53. */
export function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
