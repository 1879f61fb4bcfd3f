/**
 * Somebody who reads the tables of the destination through list_snapshot all the time: at the newest moment, and at the moment of each commit
 * that there was since the last look. So no moment is missed, however slow the machine is.
 */
import { Agent, request } from 'node:http';
import type { Emulator } from '../../emulator/index.ts';
import type { Complaint } from './copies.ts';
import { lastAt, type ModelTable, type World } from './world.ts';

/** A row: which document it is a copy of, and the number of the revision. */
interface Row {
  _table: string;
  source_id: string;
  rev: number;
}

export class TableReader {
  /** Moments that were looked at. */
  looks = 0;
  /** How often a table was found to have other rows than before. */
  replacements = 0;
  readonly #destination: Emulator;
  readonly #world: World;
  readonly #complain: Complaint;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** The rows that each table was last seen with, as a text, and the time in the source at which the table was so. */
  readonly #seen = new Map<ModelTable, { text: string; ts: bigint }>();
  #lookedAt = 0n;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(destination: Emulator, world: World, complain: Complaint) {
    this.#destination = destination;
    this.#world = world;
    this.#complain = complain;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Reads up to this moment, and no further. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    try {
      let last: boolean;
      do {
        last = this.#stopping;
        for (const ts of this.#moments()) this.#judge(ts, await this.#list(ts));
      } while (!last);
    } catch (error) {
      this.#complain(`the reader failed: ${String(error)}`);
    }
  }

  /** The commits since the last look, and the present. */
  #moments(): bigint[] {
    const { log } = this.#destination.deployment;
    const moments = new Set<bigint>();
    for (let at = log.firstAfter(this.#lookedAt); at < log.rows.length; at++) moments.add(log.rows[at]!.ts);
    moments.add(this.#destination.deployment.nowForReads());
    this.#lookedAt = [...moments].at(-1)!;
    return [...moments];
  }

  #judge(ts: bigint, rows: readonly Row[]): void {
    this.looks++;
    for (const table of this.#world.tables) {
      const own = rows.filter(({ _table }) => _table === table.copy);
      const text = own
        .map(({ source_id, rev }) => `${source_id} ${rev}`)
        .sort()
        .join();
      const before = this.#seen.get(table) ?? { text: '', ts: 0n };
      if (text === before.text) continue;
      this.replacements++;
      const found = timeOf(table, own, before.ts);
      if (found === undefined)
        this.#complain(
          `${table.copy}: the reader saw ${own.length} rows at ${ts}, which the table never had at one time`,
        );
      this.#seen.set(table, { text, ts: found ?? before.ts });
    }
  }

  /** All rows at a timestamp. */
  async #list(snapshot: bigint): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = null;
    for (;;) {
      const page = await this.#page(snapshot, cursor);
      rows.push(...page.values);
      if (!page.hasMore) return rows;
      ({ cursor } = page);
    }
  }

  async #page(snapshot: bigint, cursor: string | null): Promise<{ values: Row[]; cursor: string; hasMore: boolean }> {
    const { url, readOnlyKey } = this.#destination;
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { authorization: `Convex ${readOnlyKey}`, 'content-type': 'application/json' };
      const sent = request(`${url}/api/list_snapshot`, { method: 'POST', headers, agent: this.#agent }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`list_snapshot answered ${response.statusCode}`));
        });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(`{"snapshot":${snapshot}${cursor === null ? '' : `,"cursor":${JSON.stringify(cursor)}`}}`);
    });
    return JSON.parse(text) as { values: Row[]; cursor: string; hasMore: boolean };
  }
}

/** A time, `since` or later, at which a table had exactly these rows, each of them once; undefined if there is none. */
function timeOf(table: ModelTable, rows: readonly Row[], since: bigint): bigint | undefined {
  let first = since;
  let end: bigint | undefined;
  for (const { source_id, rev } of rows) {
    const revisions = table.history.get(source_id) ?? [];
    const at = revisions.findIndex(({ document }) => document?.['rev'] === rev);
    if (at === -1) return undefined;
    const { ts } = revisions[at]!;
    const next = revisions[at + 1]?.ts;
    if (ts > first) first = ts;
    if (next !== undefined && (end === undefined || next < end)) end = next;
  }
  // Between these two all of the rows were there: at some moment nothing else may have been.
  for (const ts of [first, ...table.commits()]) {
    if (ts < first || (end !== undefined && ts >= end)) continue;
    let live = 0;
    for (const revisions of table.history.values()) if (revisions[lastAt(revisions, ts)]?.document) live++;
    if (live === rows.length && new Set(rows.map(({ source_id }) => source_id)).size === live) return ts;
  }
  return undefined;
}
