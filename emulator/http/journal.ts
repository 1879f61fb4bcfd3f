/** One request as the server saw it. Never holds the Authorization header. */
export interface JournalEntry {
  method: string;
  /** Without the query string. */
  path: string;
  /** The query string's parameters, without `adminKey`. */
  query: Record<string, string>;
  /** The start of the body as text; `bodyBytes` is all of it. */
  body: string;
  bodyBytes: number;
  /** The Convex-Client header. */
  client: string | undefined;
  userAgent: string | undefined;
  /** Undefined while the request is being served, and where the connection was cut before an answer. */
  status: number | undefined;
  /** The fault that was played on it. */
  fault: string | undefined;
  /** Milliseconds of `performance.now()`: two requests overlapped where their intervals do. */
  startedAt: number;
  endedAt: number | undefined;
  /** How many requests were being served when this one came, itself included. */
  concurrent: number;
}

const KEPT_BODY = 4096;

/** All requests to a deployment in the order in which they came. */
export class Journal {
  readonly entries: JournalEntry[] = [];
  #open = 0;

  /** Files the start of a request; the caller completes the entry and calls `end`. */
  begin(entry: Pick<JournalEntry, 'method' | 'path' | 'query' | 'client' | 'userAgent'>): JournalEntry {
    this.#open++;
    const full: JournalEntry = {
      ...entry,
      body: '',
      bodyBytes: 0,
      status: undefined,
      fault: undefined,
      startedAt: performance.now(),
      endedAt: undefined,
      concurrent: this.#open,
    };
    this.entries.push(full);
    return full;
  }

  body(entry: JournalEntry, body: Buffer): void {
    entry.bodyBytes = body.length;
    entry.body = body.toString('utf8', 0, KEPT_BODY);
  }

  end(entry: JournalEntry): void {
    if (entry.endedAt !== undefined) return;
    entry.endedAt = performance.now();
    this.#open--;
  }

  /** How many requests went to a path (exact text or pattern), or to any. */
  count(path?: string | RegExp): number {
    return this.of(path).length;
  }

  /** The requests to a path, in order. */
  of(path?: string | RegExp): JournalEntry[] {
    if (path === undefined) return [...this.entries];
    return this.entries.filter((entry) => (typeof path === 'string' ? entry.path === path : path.test(entry.path)));
  }

  /** The most requests to a path that were being served at the same time. */
  maxConcurrent(path?: string | RegExp): number {
    const events = this.of(path).flatMap((entry) => [
      { at: entry.startedAt, step: 1 },
      { at: entry.endedAt ?? Infinity, step: -1 },
    ]);
    events.sort((a, b) => a.at - b.at || a.step - b.step);
    let open = 0;
    return events.reduce((most, { step }) => Math.max(most, (open += step)), 0);
  }

  clear(): void {
    this.entries.length = 0;
  }
}
