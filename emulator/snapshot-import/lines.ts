import { isUtf8 } from 'node:buffer';
import { badRequest } from '../http/errors.ts';
import { type Json, JsonSyntaxError, parseJson } from '../values/json-parse.ts';
import { ContentError } from './errors.ts';

const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The lines of a file that comes in pieces, without their line feeds. What follows the last one is a line if not empty. */
export function* linesOf(pieces: Iterable<Buffer>): Generator<Buffer> {
  let carried: Buffer[] = [];
  for (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; start = end + 1, end = piece.indexOf(NEWLINE, start)) {
      const line = piece.subarray(start, end);
      if (carried.length === 0) {
        yield line;
        continue;
      }
      yield Buffer.concat([...carried, line]);
      carried = [];
    }
    if (start < piece.length) carried.push(piece.subarray(start));
  }
  if (carried.length > 0) yield Buffer.concat(carried);
}

/**
 * One JSON value a line, as of a file in the format jsonLines. An empty line is none. Rows count from 1.
 * @throws ContentError
 */
export function* jsonLines(pieces: Iterable<Buffer>): Generator<Json> {
  let row = 0;
  for (const line of linesOf(pieces)) {
    row++;
    if (row === 1 && startsWithMark(line)) throw markRefused();
    if (!isUtf8(line)) throw new ContentError("Import wasn't valid UTF8: stream did not contain valid UTF-8");
    yield jsonOfRow(line, row);
  }
}

/** The same of an entry of a ZIP file, where the backend words other failures. @throws HttpError, ContentError */
export function* jsonLinesOfEntry(content: Buffer): Generator<Json> {
  let row = 0;
  for (const line of linesOf([content])) {
    row++;
    if (!isUtf8(line)) throw badRequest('InvalidZip', 'invalid zip file');
    yield jsonOfRow(line, row);
  }
}

/** The elements of a file that is one JSON array. `limit` is its largest size in bytes. @throws ContentError */
export function* jsonArray(pieces: readonly Buffer[], limit: number): Generator<Json> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  if (size > limit) {
    throw new ContentError(
      `Import is too large for JSON (${limit + 1} bytes > maximum ${limit / 1024 / 1024} MiB). Consider converting ` +
        'data to JSONLines',
    );
  }
  const content = Buffer.concat(pieces);
  if (startsWithMark(content)) throw markRefused();
  if (!isUtf8(content)) throw new ContentError('Not valid JSON: invalid unicode code point at line 1 column 1');
  let value: Json;
  try {
    value = parseJson(content.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new ContentError(`Not valid JSON: ${error.message}`);
    throw error;
  }
  if (!Array.isArray(value)) throw new ContentError('Not a JSON array');
  yield* value;
}

export function startsWithMark(bytes: Buffer): boolean {
  return bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
}

function markRefused(): ContentError {
  return new ContentError('UTF-8 BOM is not supported. Please save your file without BOM.');
}

function jsonOfRow(line: Buffer, row: number): Json {
  try {
    return parseJson(line.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new ContentError(`Row ${row} wasn't valid JSON: ${error.message}`);
    throw error;
  }
}
