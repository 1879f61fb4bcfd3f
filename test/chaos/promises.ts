/**
 * Holds the pair to its promises. Each state that the destination gives back is compared, at that very moment, with what is durable; and
 * what a finished sync leaves, with the truth at the one time at which all streams stand.
 */
import type { Deployment } from '../../emulator/index.ts';
import type { Mode } from '../../pipeline/catalog.ts';
import type { InboundState } from '../../shared/airbyte/protocol.generated.ts';
import { Copies, type Complaint } from './copies.ts';
import { lastAt, type ModelTable, type World } from './world.ts';

interface Position {
  /** Nanoseconds. */
  ts: bigint;
  /** The snapshot that the stream began with. */
  snapshot: bigint;
  finished: boolean;
}

export class Promises {
  /** States that were compared. */
  states = 0;
  /** Syncs whose result was compared. */
  syncs = 0;
  readonly #source: Deployment;
  readonly #world: World;
  readonly #mode: Mode;
  readonly #complain: Complaint;
  readonly #copies: Copies;
  readonly #positions = new Map<ModelTable, Position>();

  constructor(source: Deployment, destination: Deployment, world: World, mode: Mode, complain: Complaint) {
    this.#source = source;
    this.#world = world;
    this.#mode = mode;
    this.#complain = complain;
    this.#copies = new Copies(destination, world, mode, complain);
  }

  /** A state came back: what it covers has to be there. */
  state({ stream }: InboundState): void {
    this.states++;
    const { name, namespace } = stream!.stream_descriptor;
    const table = this.#world.tables.find((one) => one.table === name && one.component === (namespace ?? ''));
    const { snapshot_cursor, snapshot_has_more, delta_cursor } = stream!.stream_state as Record<string, unknown>;
    if (table === undefined || typeof delta_cursor !== 'string') {
      this.#complain(`a state that cannot be understood came back for ${name}`);
      return;
    }
    const ts = BigInt(delta_cursor);
    const finished = snapshot_has_more === false;
    const before = this.#positions.get(table);
    // Where the first state of a snapshot was lost with the process, its time is not known: then only what comes after is asked for.
    const begins = before === undefined || !finished || (this.#mode === 'overwrite' && ts !== before.ts);
    if (before !== undefined && this.#mode !== 'overwrite' && ts < before.ts)
      this.#complain(`${table.copy}: a state went back from ${before.ts} to ${ts}`);
    this.#positions.set(table, { ts, snapshot: begins ? ts : before.snapshot, finished });
    const covered = finished ? () => true : this.#before(table, snapshot_cursor as string | null);
    this.#compare(table, ts, covered, finished);
  }

  /** A sync has ended well: everything is as it was at one time. */
  sync(): void {
    this.syncs++;
    const positions = [...this.#positions.values()];
    const [first] = positions;
    if (first === undefined || positions.length < this.#world.tables.length)
      return this.#complain(
        `a finished sync left ${this.#world.tables.length - positions.length} streams without a state`,
      );
    if (positions.some(({ ts, finished }) => !finished || ts !== first.ts))
      return this.#complain('a finished sync left its streams at different times');
    for (const table of this.#world.tables) {
      this.#compare(table, first.ts, () => true, true);
      if (this.#mode === 'append') continue;
      const truth = table.at(first.ts);
      for (const [id, at] of this.#copies.rows(table)) {
        // Only the revision that was valid at that time: then no transaction is there by half.
        if (truth.get(id) !== table.history.get(id)![at]!.document)
          this.#complain(`${table.copy}: after a finished sync ${id} is not as it was at ${first.ts}`);
        truth.delete(id);
      }
      if (truth.size > 0) this.#complain(`${table.copy}: after a finished sync ${truth.size} documents are missing`);
    }
  }

  /** Which documents of a table stand before a position in its snapshot. The emulator's positions are a table and an `_id`. */
  #before(table: ModelTable, cursor: string | null): (id: string) => boolean {
    if (cursor === null) return () => false;
    const { tablet, id: last } = JSON.parse(cursor) as { tablet: string; id: string };
    if (tablet !== this.#source.catalog.get(table.table, table.component)?.id.text) return () => true;
    return (id) => id <= last;
  }

  #compare(table: ModelTable, ts: bigint, covered: (id: string) => boolean, finished: boolean): void {
    if (this.#mode === 'append') this.#compareAppended(table, ts, covered, finished);
    else this.#compareRows(table, ts, covered, finished);
  }

  /** Each covered document is there in its revision at that time, or in a later one. */
  #compareRows(table: ModelTable, ts: bigint, covered: (id: string) => boolean, finished: boolean): void {
    const rows = this.#copies.rows(table);
    for (const [id, revisions] of table.history) {
      const due = lastAt(revisions, ts);
      if (due === -1 || !covered(id)) continue;
      const at = rows.get(id);
      const live = revisions[due]!.document !== null;
      if (live && at !== undefined && at < due)
        this.#complain(`${table.copy}: a state covers revision ${due} of ${id}, but ${at} is there`);
      if (live && at === undefined && revisions[revisions.length - 1]!.document !== null)
        this.#complain(`${table.copy}: a state covers ${id}, which is not there`);
      if (!live && finished && at !== undefined)
        this.#complain(`${table.copy}: a state covers the deletion of ${id}, which is still there`);
    }
  }

  /** Each revision since the snapshot is there, at least once: those that were valid at it, and all that came after. */
  #compareAppended(table: ModelTable, ts: bigint, covered: (id: string) => boolean, finished: boolean): void {
    const { snapshot } = this.#positions.get(table)!;
    const appended = this.#copies.appended(table);
    for (const [id, revisions] of table.history) {
      if (!covered(id)) continue;
      const first = lastAt(revisions, snapshot);
      const last = finished ? lastAt(revisions, ts) : first;
      for (let at = Math.max(0, first); at <= last; at++) {
        // What was deleted before the snapshot is not in it.
        if (at === first && revisions[at]!.document === null) continue;
        if (!appended.has(id, at))
          this.#complain(`${table.copy}: a state covers revision ${at} of ${id}, which was not appended`);
      }
    }
  }
}
