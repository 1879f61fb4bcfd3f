/** What the destination holds, as far as it is durable: read from the emulated deployment itself, at the moment that is asked for. */
import type { Deployment, ValueObject } from '../../emulator/index.ts';
import type { Mode } from '../../pipeline/catalog.ts';
import { same, travelled } from './values.ts';
import type { ModelTable, World } from './world.ts';

/** A revision of the original that a row of the destination is a copy of. */
export interface Copy {
  id: string;
  /** Its place in the history of its document. */
  at: number;
}

/** A row that is a copy of no revision that there ever was. */
export type Complaint = (text: string) => void;

export class Copies {
  readonly #deployment: Deployment;
  readonly #world: World;
  readonly #mode: Mode;
  readonly #complain: Complaint;
  /** Appended rows only ever grow in number: those that were seen are not looked at again. By stream, `id at` of each. */
  readonly #appended = new Map<string, Set<string>>();
  #seen = 0;

  constructor(deployment: Deployment, world: World, mode: Mode, complain: Complaint) {
    this.#deployment = deployment;
    this.#world = world;
    this.#mode = mode;
    this.#complain = complain;
  }

  /** The revision that each document is held in; complains of documents that are held twice. */
  rows(table: ModelTable): Map<string, number> {
    const rows = new Map<string, number>();
    for (const row of this.#deployment.documents(table.copy)) {
      const copy = this.#copyOf(table, row);
      if (copy === undefined) continue;
      const other = rows.get(copy.id);
      // What overwrites is not deduplicated: a request whose answer was lost may have been carried out twice.
      if (other !== undefined && !(this.#mode === 'overwrite' && other === copy.at))
        this.#complain(`${table.copy}: ${copy.id} is there twice`);
      rows.set(copy.id, copy.at);
    }
    return rows;
  }

  /** Which revisions have been appended. */
  appended(table: ModelTable): { has: (id: string, at: number) => boolean } {
    const { rows } = this.#deployment.log;
    for (; this.#seen < rows.length; this.#seen++) {
      const { tablet, revision } = rows[this.#seen]!;
      const document = revision?.value;
      if (tablet === undefined || !document) continue;
      const original = this.#world.tables.find(({ copy }) => copy === tablet.name);
      const copy = original && this.#copyOf(original, document);
      if (original === undefined) this.#complain(`a row in ${tablet.name}, which was not asked for`);
      if (copy === undefined) continue;
      const known = this.#appended.get(tablet.name) ?? new Set();
      known.add(`${copy.id} ${copy.at}`);
      this.#appended.set(tablet.name, known);
    }
    const known = this.#appended.get(table.copy);
    return { has: (id, at) => known?.has(`${id} ${at}`) === true };
  }

  /** The revision that a row is a copy of, field by field. */
  #copyOf(table: ModelTable, row: ValueObject): Copy | undefined {
    const id = row['source_id'];
    const history = typeof id === 'string' ? table.history.get(id) : undefined;
    if (typeof id !== 'string' || history === undefined) {
      this.#complain(`${table.copy}: a row is a copy of no document`);
      return undefined;
    }
    const deleted = row['source_deleted'] === true;
    const at = deleted
      ? history.findIndex(({ document }) => document === null)
      : history.findIndex(({ document }) => document !== null && document['rev'] === row['rev']);
    const revision = history[at];
    if (revision === undefined) {
      this.#complain(`${table.copy}: ${id} is in no revision that it ever had`);
      return undefined;
    }
    if (deleted && this.#mode !== 'append')
      this.#complain(`${table.copy}: the deletion of ${id} has become a document`);
    const expected: ValueObject = {
      source_component: table.component,
      source_table: table.table,
      source_ts: Number(revision.ts),
      source_deleted: deleted,
      source_id: id,
    };
    for (const [name, value] of Object.entries(revision.document ?? {})) {
      if (name === '_creationTime') expected['source_creationtime'] = value;
      else if (name !== '_id') expected[name] = travelled(value);
    }
    const { _id, _creationTime, ...fields } = row;
    if (!same(expected, fields)) this.#complain(`${table.copy}: ${id} differs from its revision ${at}`);
    return { id, at };
  }
}
