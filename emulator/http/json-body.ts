import { Arguments } from './arguments.ts';
import { badRequest } from './errors.ts';
import { type Json, JsonSyntaxError, parseJson, type QuickReader } from '../values/json-parse.ts';
import type { Request } from './server.ts';

/** What the crate mime parses, with the subtype or the suffix `json`; each parameter has a value. */
const JSON_TYPE = /^application\/(json(\+[^\s;]+)?|[^\s;]+\+json)\s*(;\s*[^\s;=]+=("[^"]*"|[^\s;"]+)\s*)*;?\s*$/i;

/** Wrong type, too long, no JSON, other JSON: all are 400 `BadJsonBody`, never 413, 415 or 422 (C10). */
export async function readJsonBody(request: Request, limit: number, quick?: QuickReader): Promise<Arguments> {
  const type = request.headers['content-type'] ?? '';
  if (!JSON_TYPE.test(type)) {
    throw badRequest('BadJsonBody', 'Expected request with `Content-Type: application/json`');
  }
  return Arguments.fromBody(parse(decode(await request.body(limit)), quick));
}

function parse(text: string, quick: QuickReader | undefined): Json {
  try {
    return parseJson(text, quick);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const where = error.path === '' ? '' : `${error.path}: `;
    throw badRequest('BadJsonBody', `Failed to parse the request body as JSON: ${where}${error.message}`);
  }
}

function decode(bytes: Buffer): string {
  try {
    // A byte order mark stays in the text, and is no JSON.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badRequest('BadJsonBody', 'Failed to parse the request body as JSON: invalid unicode code point');
  }
}
