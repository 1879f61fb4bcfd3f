/**
 * Columns that the user deselected. A column that is missing in a configured schema may be deselected or new.
 * So discover lists all columns under a keyword of its own (`OFFERED_COLUMNS`): a column that is listed there
 * and missing in `properties` is deselected.
 */
import { notConvex } from '../shared/convex/client.ts';
import { isFieldName } from '../shared/convex/identifiers.ts';
import type { ByteSink } from '../shared/json/growing-buffer.ts';
import { COMMA, JsonError, Members } from '../shared/json/raw.ts';

/** Keyword of a stream's `json_schema`: the names of all columns that can be deselected. */
export const OFFERED_COLUMNS = 'x-convex-columns';

/** The only system column that a selection can leave out (C7). */
const CREATION_TIME = '_creationTime';

/** The columns to list in discover. `own`: the names of the table's own fields. */
export function offeredColumns(own: readonly string[]): string[] {
  return [CREATION_TIME, ...own];
}

/**
 * The deselected columns of a configured stream. Empty where the schema has no properties or no list of
 * offered columns (catalogs of version 0.1.0 and of other connectors).
 */
export function deselectedColumns(jsonSchema: unknown): string[] {
  const { [OFFERED_COLUMNS]: offered, properties } = (jsonSchema ?? {}) as Record<string, unknown>;
  if (!Array.isArray(offered) || typeof properties !== 'object' || properties === null) return [];
  const names = offered.filter((name): name is string => typeof name === 'string' && isDeselectable(name));
  return [...new Set(names)].filter((name) => !Object.hasOwn(properties, name));
}

/** A selection with an invalid name or `_id` is answered with a 500 (C7). */
function isDeselectable(name: string): boolean {
  return name === CREATION_TIME || (isFieldName(name) && !name.startsWith('_'));
}

/** Removes columns. Backends before 2025-08-14 send all, whatever the request selects (C53). */
export class ColumnFilter {
  readonly #excluded: ReadonlySet<string>;
  readonly #members = new Members();
  /** The parts of the document that are kept, each as two positions. */
  readonly #kept: number[] = [];

  constructor(excluded: readonly string[]) {
    this.#excluded = new Set(excluded);
  }

  /** Finds what to keep of `buffer[start, end)`, before its record is begun. Throws `ConvexApiError`. */
  find(buffer: Buffer, start: number, end: number): void {
    try {
      this.#find(buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`a document is not valid: ${error.message}`, 200) : error;
    }
  }

  #find(buffer: Buffer, start: number, end: number): void {
    const kept = this.#kept;
    kept.length = 0;
    kept.push(start, start + 1);
    const members = this.#members.open(buffer, start, end);
    let isNewPart = false;
    while (members.next()) {
      if (this.#excluded.has(members.key())) {
        isNewPart = true;
        continue;
      }
      if (isNewPart) kept.push(members.keyStart - 1, 0);
      isNewPart = false;
      kept[kept.length - 1] = members.valueEnd;
    }
  }

  /** Writes what was found, without the closing brace. */
  write(sink: ByteSink, buffer: Buffer): void {
    const kept = this.#kept;
    for (let at = 0; at < kept.length; at += 2) {
      // No comma after a lone opening brace.
      if (at > 2 || (at === 2 && kept[1]! > kept[0]! + 1)) sink.byte(COMMA);
      sink.bytes(buffer, kept[at], kept[at + 1]);
    }
  }
}
