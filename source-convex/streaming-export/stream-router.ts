/** Finds the stream that a document belongs to. The server's own selection is not relied upon (C52, C53). */
import { tableKey } from '../../shared/convex/selection.ts';
import type { TableStream } from './table-stream.ts';

export class StreamRouter {
  readonly #streams = new Map<string, TableStream>();
  // Consecutive documents are mostly of one table.
  #component = '';
  #table = '';
  #found: TableStream | undefined;

  constructor(streams: Iterable<TableStream>) {
    for (const stream of streams) this.#streams.set(tableKey(stream.planned.component, stream.planned.table), stream);
  }

  /** Undefined: no stream of the run. */
  find(component: string, table: string): TableStream | undefined {
    if (table !== this.#table || component !== this.#component) {
      this.#component = component;
      this.#table = table;
      this.#found = this.#streams.get(tableKey(component, table));
    }
    return this.#found;
  }
}
