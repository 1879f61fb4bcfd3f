import { isUtf8 } from 'node:buffer';
import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';
import { ContentError, fieldNameProblem } from './errors.ts';
import { startsWithMark } from './lines.ts';

/** What Rust reads as a float; its words for special values become null, since JSON has no such numbers. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const SPECIAL = /^[+-]?(inf|infinity|nan)$/i;

/** Rows of a CSV file as objects: cells are numbers where they read as one, else strings. @throws ContentError */
export function* csvRows(pieces: readonly Buffer[]): Generator<Json> {
  let content = Buffer.concat(pieces);
  if (startsWithMark(content)) content = content.subarray(3);
  if (!isUtf8(content)) throw new ContentError('Failed to parse CSV row 0: CSV parse error: invalid UTF-8');
  const records = recordsOf(content.toString('utf8'));
  const header = records.next();
  if (header.done === true) return;
  const names = header.value.cells.map((cell) => {
    const name = cell.replace(/^ +| +$/g, '');
    const problem = fieldNameProblem(name);
    if (problem === undefined) return name;
    throw new ContentError(`CSV header ${JSON.stringify(name)} isn't a valid field name: ${problem}`);
  });
  for (const { cells, line } of records) {
    if (cells.length !== names.length) {
      throw new ContentError(`CSV row ${line} doesn't have all of the fields in the header`);
    }
    const row = new JsonObject();
    names.forEach((name, position) => row.set(name, cellValue(cells[position] ?? '')));
    yield row;
  }
}

function cellValue(cell: string): Json {
  if (SPECIAL.test(cell)) return null;
  if (!NUMBER.test(cell)) return cell;
  const number = Number(cell);
  return Number.isFinite(number) ? new JsonNumber(String(number)) : null;
}

/** Records with the line on which each begins; empty lines are none. Quotes are doubled inside quotes. */
function* recordsOf(text: string): Generator<{ cells: string[]; line: number }> {
  let line = 1;
  let position = 0;
  while (position < text.length) {
    const start = line;
    const from = position;
    const cells: string[] = [];
    for (;;) {
      let cell = '';
      if (text[position] === '"') {
        for (position++; position < text.length; position++) {
          if (text[position] === '"' && text[++position] !== '"') break;
          if (text[position] === '\n') line++;
          cell += text[position] ?? '';
        }
      }
      const rest = /[^,\r\n]*/y;
      rest.lastIndex = position;
      const more = rest.exec(text)?.[0] ?? '';
      cell += more;
      position += more.length;
      cells.push(cell);
      if (text[position] !== ',') break;
      position++;
    }
    const empty = position === from;
    const end = /\r?\n|\r/y;
    end.lastIndex = position;
    position += end.exec(text)?.[0].length ?? 0;
    line++;
    if (!empty) yield { cells, line: start };
  }
}
