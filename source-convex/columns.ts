/**
 * Columns that the user deselected. A configured schema that lacks a column does not tell whether the column
 * was deselected or is new, so discover lists the columns that it offers under a keyword of its own.
 * Deselected is what is listed there and is not in `properties`.
 */
import type { ProtocolWriter } from '../shared/airbyte/writer.ts';
import { notConvex } from '../shared/convex/client.ts';
import { isFieldName } from '../shared/convex/identifiers.ts';
import { COMMA, JsonError, Members } from '../shared/json/raw.ts';

/** The keyword of a stream's `json_schema`: the names of all columns that can be deselected. */
export const OFFERED_COLUMNS = 'x-convex-columns';

/** The one column of Convex's own that its selection can leave out. */
const CREATION_TIME = '_creationTime';

/** What discover lists: `own` are the names of the table's own fields. */
export function offeredColumns(own: readonly string[]): string[] {
  return [CREATION_TIME, ...own];
}

/**
 * The columns of a configured stream that are not to be read. None where the schema has no list of offered
 * columns (catalogs of other connectors and of version 0.1.0) or no properties.
 */
export function deselectedColumns(jsonSchema: unknown): string[] {
  const { [OFFERED_COLUMNS]: offered, properties } = (jsonSchema ?? {}) as Record<string, unknown>;
  if (!Array.isArray(offered) || typeof properties !== 'object' || properties === null) return [];
  const names = offered.filter((name): name is string => typeof name === 'string' && isDeselectable(name));
  return [...new Set(names)].filter((name) => !Object.hasOwn(properties, name));
}

/** An invalid name, or `_id`, would make the deployment answer the request with an error 500. */
function isDeselectable(name: string): boolean {
  return name === CREATION_TIME || (isFieldName(name) && !name.startsWith('_'));
}

/**
 * Removes columns from documents. Backends before 2025-08-14 send all columns, whatever the request selects.
 */
export class ColumnFilter {
  readonly #excluded: ReadonlySet<string>;
  readonly #members = new Members();

  constructor(excluded: readonly string[]) {
    this.#excluded = new Set(excluded);
  }

  /**
   * Writes the document `buffer[start, end)` without its closing brace and without the excluded columns.
   * Throws `ConvexApiError`.
   */
  write(writer: ProtocolWriter, buffer: Buffer, start: number, end: number): void {
    try {
      this.#write(writer, buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`a document is not valid: ${error.message}`, 200) : error;
    }
  }

  #write(writer: ProtocolWriter, buffer: Buffer, start: number, end: number): void {
    const members = this.#members.open(buffer, start, end);
    // What is kept and not written yet is `buffer[from, to)`.
    let from = start;
    let to = start + 1;
    let kept = 0;
    while (members.next()) {
      if (this.#excluded.has(members.key())) {
        writer.bytes(buffer, from, to);
        from = to = 0;
        continue;
      }
      if (to === 0) {
        if (kept > 0) writer.byte(COMMA);
        from = members.keyStart - 1;
      }
      to = members.valueEnd;
      kept++;
    }
    writer.bytes(buffer, from, to);
  }
}
