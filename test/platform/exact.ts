/** JSON as the platform's Java reads and writes it: numbers of any size, and as they were written. */

/** What JavaScript's own types do not know yet (ES2026). */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
}

const exact = JSON as unknown as ExactJson;

/** Numbers that would not be written as they were read become raw texts, which `JSON.stringify` writes as they are. */
export function parseExact(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? exact.rawJSON(source) : value,
  );
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A message of a connector, or undefined for a line that the platform would take for a log line. */
export function parseMessage(line: string): (JsonObject & { type: string }) | undefined {
  try {
    const message = parseExact(line);
    return isObject(message) && typeof message['type'] === 'string'
      ? (message as JsonObject & { type: string })
      : undefined;
  } catch {
    return undefined;
  }
}

/** A number that was read exactly, as a number; NaN for what is none. */
export function numberOf(value: unknown): number {
  if (isObject(value) && typeof value['rawJSON'] === 'string') return Number(value['rawJSON']);
  return typeof value === 'number' ? value : NaN;
}
