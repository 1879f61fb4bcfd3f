/** Finds the stream that a document belongs to. The server may ignore the selection (C52, C53). */
import { tableKey } from '../shared/convex/selection.ts';
import type { SourceStream } from './stream.ts';

export class Routes {
  readonly #streams = new Map<string, SourceStream>();
  // Documents of one table mostly follow each other.
  #component = '';
  #table = '';
  #found: SourceStream | undefined;

  constructor(streams: Iterable<SourceStream>) {
    for (const stream of streams) this.#streams.set(tableKey(stream.planned.component, stream.planned.table), stream);
  }

  find(component: string, table: string): SourceStream | undefined {
    if (table !== this.#table || component !== this.#component) {
      this.#component = component;
      this.#table = table;
      this.#found = this.#streams.get(tableKey(component, table));
    }
    return this.#found;
  }
}
