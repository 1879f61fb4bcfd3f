/** Masks secrets in logs, traces and messages. Records and states are the user's data and are not masked. */

const MASK = '****';
/** Shorter values are no keys; masking them would hide ordinary words. */
const MIN_LENGTH = 4;

interface SchemaNode {
  airbyte_secret?: unknown;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  oneOf?: SchemaNode[];
}

export class Secrets {
  #forms: string[] = [];

  /** Learns the values that the connector's specification marks with `airbyte_secret`. */
  learn(config: unknown, schema: unknown): void {
    for (const value of secretsIn(config, schema as SchemaNode)) this.add(value);
  }

  /** Learns a secret: as it is, trimmed, its part after `|`, each also URL-encoded, base64 and JSON. */
  add(secret: string): void {
    const forms = new Set(this.#forms);
    const trimmed = secret.trim();
    for (const plain of [secret, trimmed, trimmed.slice(trimmed.indexOf('|') + 1)]) {
      forms.add(plain);
      forms.add(encodeURIComponent(plain.toWellFormed()));
      forms.add(JSON.stringify(plain).slice(1, -1));
      forms.add(Buffer.from(plain).toString('base64'));
      forms.add(Buffer.from(plain).toString('base64url'));
      forms.add(Buffer.from(plain).toString('base64').replace(/=+$/, ''));
    }
    // Longest first: masking a part before the whole would leave the rest of the whole readable.
    this.#forms = [...forms].filter((form) => form.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
  }

  mask(text: string): string {
    let masked = text;
    for (const form of this.#forms) masked = masked.replaceAll(form, MASK);
    return masked;
  }
}

function* secretsIn(value: unknown, schema: SchemaNode | undefined): Generator<string> {
  if (schema === undefined || value === null || value === undefined) return;
  if (schema.airbyte_secret === true) {
    if (typeof value === 'string') yield value;
    return;
  }
  for (const variant of schema.oneOf ?? []) yield* secretsIn(value, variant);
  if (Array.isArray(value)) {
    for (const item of value) yield* secretsIn(item, schema.items);
  } else if (typeof value === 'object') {
    for (const [name, node] of Object.entries(schema.properties ?? {}))
      yield* secretsIn((value as Record<string, unknown>)[name], node);
  }
}
