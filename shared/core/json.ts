/** The value of a JSON text; undefined if the text is not JSON. Rounds integers beyond 2^53. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
