import { badRequest } from '../http/errors.ts';
import type { Deployment } from '../store/deployment.ts';
import { documentType, type SchemaJson, type ValidatorJson } from '../store/schema.ts';
import type { TableNames } from '../store/schema-check.ts';
import { hiddenTablet } from '../store/table-swaps.ts';
import type { Tablet } from '../store/tablets.ts';
import { type Json, JsonObject } from '../values/json-parse.ts';
import { sizeOf, type ValueObject } from '../values/values.ts';
import { decodeRow } from './decode.ts';
import { InternalFailure } from './errors.ts';
import { finalizeImport } from './finalize.ts';
import type { ImportStep } from './holds.ts';
import { insertRows } from './insert.ts';
import { type ImportedTable, STORAGE, TABLES } from './parse.ts';
import type { Checkpoint, ImportMode, ImportRow, ImportRows } from './rows.ts';
import { tableExists, withCommas } from './summary.ts';
import { assignTableNumbers, inComponent, type NumberedTable, tableConflict } from './table-numbers.ts';

/** Rows that are decoded before other work gets its turn. */
const ROWS_PER_TURN = 1000;

interface AttemptSteps {
  reach: (step: ImportStep) => Promise<void>;
  turn: () => Promise<void>;
  pause: () => Promise<void>;
}

interface PreparedTable {
  tablet: Tablet;
  /** Rows that an earlier attempt has written. */
  skip: number;
}

/** One attempt to carry out an import (crates/application/src/snapshot_import/mod.rs). */
export class ImportAttempt {
  readonly #deployment: Deployment;
  readonly #rows: ImportRows;
  readonly #row: ImportRow;
  readonly #mode: ImportMode;
  readonly #tables: readonly ImportedTable[];
  readonly #steps: AttemptSteps;
  readonly #prepared = new Map<string, PreparedTable>();
  readonly #schemas: ReadonlyMap<string, SchemaJson>;

  /** Calls `reach` where a test may stop the worker, `turn` to let other work go on, `pause` after each full batch. */
  constructor(
    deployment: Deployment,
    rows: ImportRows,
    row: ImportRow,
    tables: readonly ImportedTable[],
    steps: AttemptSteps,
  ) {
    this.#deployment = deployment;
    this.#rows = rows;
    this.#row = row;
    this.#mode = row.mode;
    this.#tables = tables;
    this.#steps = steps;
    this.#schemas = new Map(deployment.schemas());
  }

  /** Returns the timestamp of the swap and the number of rows. @throws ContentError, HttpError, InternalFailure */
  async run(): Promise<{ timestamp: bigint; rows: number }> {
    await this.#steps.reach(this.#step('start'));
    for (const { component } of this.#tables) prepareComponent(this.#deployment, component);
    for (const table of assignTableNumbers(this.#deployment, this.#mode, this.#tables)) this.#prepare(table);
    this.#checkNumbers();
    let rows = 0;
    for (const table of this.#tables) if (table.table !== TABLES) rows += await this.#write(table);
    await this.#steps.reach(this.#step('swap'));
    if (this.#row.state.state !== 'in_progress') throw new InternalFailure('the import is not in progress');
    const tablets = [...this.#prepared.values()].map(({ tablet }) => tablet);
    return { timestamp: finalizeImport(this.#deployment, this.#row, tablets, this.#schemas), rows };
  }

  #step(point: ImportStep['point'], table?: string, rowsWritten = 0): ImportStep {
    return { importId: this.#row.id, point, table, rowsWritten };
  }

  #checkpoint(component: string, table: string): Checkpoint | undefined {
    return this.#row.checkpoints?.find(
      (checkpoint) => checkpoint.component === component && checkpoint.table === table,
    );
  }

  /** Finds or makes the tablet that rows go to. A hidden tablet of an earlier attempt is filled further. */
  #prepare({ component, table, number }: NumberedTable): void {
    if (table === STORAGE) return;
    const { catalog } = this.#deployment;
    const checkpoint = this.#checkpoint(component, table);
    const earlier = catalog.all.find(({ id }) => id.text === checkpoint?.tabletId);
    if (earlier !== undefined && this.#mode === 'Append') throw new InternalFailure("can't resume append import");
    const existing = catalog.get(table, component);
    if (earlier === undefined && this.#mode === 'RequireEmpty' && (existing?.size ?? 0) > 0) throw tableExists(table);
    let tablet = earlier ?? (this.#mode === 'Append' ? existing : undefined);
    if (tablet === undefined) {
      tablet = hiddenTablet(this.#deployment, table, component, number ?? catalog.nextNumber(component));
      if (checkpoint !== undefined) checkpoint.tabletId = tablet.id.text;
    }
    if (number !== undefined && number !== tablet.number) {
      throw badRequest(
        'TableNumberConflict',
        `table ${table}${inComponent(component)} wants table number ${number} but was already assigned ${tablet.number}`,
      );
    }
    this.#prepared.set(`${component}:${table}`, { tablet, skip: earlier?.size ?? 0 });
  }

  /** New numbers may have met numbers that other tables were given. */
  #checkNumbers(): void {
    const owners = new Map<string, string>();
    for (const { tablet } of this.#prepared.values()) {
      const { component, name, number } = tablet;
      const owner = owners.get(`${component}:${number}`);
      if (owner !== undefined) {
        throw badRequest(
          'TableNumberConflict',
          `conflict between \`${owner}\` and \`${name}\`${inComponent(component)} with table number ${number}`,
        );
      }
      owners.set(`${component}:${number}`, name);
    }
    if (this.#mode === 'ReplaceAll') return;
    for (const { component, name, number } of this.#deployment.catalog.active()) {
      const owner = owners.get(`${component}:${number}`);
      if (owner !== undefined && !this.#prepared.has(`${component}:${name}`)) {
        throw tableConflict(component, owner, name);
      }
    }
  }

  async #write({ component, table, uniform, rows }: ImportedTable): Promise<number> {
    const checkpoint = this.#checkpoint(component, table);
    const where = inComponent(component);
    this.#rows.progress(this.#row, `Importing "${table}"${where}`, checkpoint, 0);
    const prepared = this.#prepared.get(`${component}:${table}`);
    if (prepared === undefined) return 0; // _storage
    const { tablet, skip } = prepared;
    const { bytesWritten, documentsWritten } = this.#deployment.limits;
    const tableNames = this.#tableNames(component);
    const blanks = this.#row.format.format === 'csv' ? optionalFields(this.#schemas.get(component), table) : undefined;
    let count = 0;
    let batch: ValueObject[] = [];
    let bytes = 0;
    for (const json of rows()) {
      if (count < skip) {
        count++;
        continue;
      }
      const value = decodeRow(blanks === undefined ? json : withoutBlanks(json, blanks), count + 1, uniform);
      bytes += sizeOf(value);
      batch.push(value);
      if (bytes > bytesWritten / 2 || batch.length > documentsWritten / 2) {
        insertRows(this.#deployment, tablet, batch, tableNames);
        batch = [];
        bytes = 0;
        this.#rows.progress(this.#row, `Importing "${table}" (${withCommas(count)} documents)`, checkpoint, count);
        await this.#steps.reach(this.#step('batch', table, count + 1));
        await this.#steps.pause();
      }
      count++;
      if (count % ROWS_PER_TURN === 0) await this.#steps.turn();
    }
    if (batch.length > 0) {
      insertRows(this.#deployment, tablet, batch, tableNames);
      await this.#steps.reach(this.#step('batch', table, count));
    }
    const message = `Imported "${table}"${where} (${withCommas(count)} documents)`;
    this.#rows.tableDone(this.#row, message, checkpoint, count);
    await this.#steps.turn();
    return count;
  }

  /** The tables of a component as they will be after the import, by number. */
  #tableNames(component: string): TableNames {
    const names = new Map<number, string>();
    for (const { name, number } of this.#mode === 'ReplaceAll' ? [] : this.#deployment.catalog.active(component)) {
      if (!this.#prepared.has(`${component}:${name}`)) names.set(number, name);
    }
    for (const { tablet } of this.#prepared.values()) {
      if (tablet.component === component) names.set(tablet.number, tablet.name);
    }
    return (number) => names.get(number);
  }
}

/** Makes a component that is not there, unmounted: the export does not show it until it is mounted. */
function prepareComponent(deployment: Deployment, component: string): void {
  if (deployment.components.has(component)) return;
  const parent = component.includes('/') ? component.slice(0, component.lastIndexOf('/')) : '';
  prepareComponent(deployment, parent);
  deployment.mountComponent(component);
  deployment.unmountComponent(component);
}

/** Top-level fields that a table's schema makes optional: an empty cell of a CSV file leaves them out. */
function optionalFields(schema: SchemaJson | undefined, table: string): Set<string> {
  const optional = (validator: ValidatorJson | undefined): string[] => {
    if (validator?.type === 'union') return validator.value.flatMap(optional);
    if (validator?.type !== 'object') return [];
    return Object.entries(validator.value).flatMap(([name, field]) => (field.optional ? [name] : []));
  };
  return new Set(optional(documentType(schema, table)));
}

function withoutBlanks(json: Json, optional: ReadonlySet<string>): Json {
  if (!(json instanceof JsonObject)) return json;
  const kept = new JsonObject();
  for (const [name, value] of json) if (value !== '' || !optional.has(name)) kept.set(name, value);
  return kept;
}
