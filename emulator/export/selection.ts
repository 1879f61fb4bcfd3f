import { type Arguments, bodyError, describe } from '../http/arguments.ts';
import { badRequest, ServerError } from '../http/errors.ts';
import { identifierProblem, isFieldName, isIdentifier } from '../values/identifiers.ts';
import { type Json, JsonObject } from '../values/json-parse.ts';

/** Which columns of a table are exported: undefined means all. */
export type Columns = ((name: string) => boolean) | undefined;

interface Included<T> {
  other: boolean;
  named: Map<string, T>;
}
type TableChoice = Included<boolean> | 'excluded';
type ComponentChoice = Included<TableChoice> | 'excluded';

/** What a reader asked to export (crates/common/src/types/streaming_export/selection.rs). */
export class Selection {
  readonly #components: Included<ComponentChoice>;

  constructor(components: Included<ComponentChoice>) {
    this.#components = components;
  }

  includes(component: string, table: string): boolean {
    const choice = this.#components.named.get(component);
    if (choice === undefined) return this.#components.other;
    if (choice === 'excluded') return false;
    const tableChoice = choice.named.get(table);
    return tableChoice === undefined ? choice.other : tableChoice !== 'excluded';
  }

  columns(component: string, table: string): Columns {
    const choice = this.#components.named.get(component);
    const columns = choice === undefined || choice === 'excluded' ? undefined : choice.named.get(table);
    if (columns === undefined || columns === 'excluded') return undefined;
    return (name) => columns.named.get(name) ?? columns.other;
  }

  /** Stands for the selection in cache keys. */
  get key(): string {
    return JSON.stringify(this.#components, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
  }
}

/** Deviations of older backends. */
export interface SelectionOptions {
  /** Backends of 2025-08-14 to 2026-03-16 did not know `tableName`, only `table_name` (C53). */
  ignoreTableName?: boolean;
}

/**
 * Reads the selection out of a request's arguments. It never refuses a request: whatever does not fit one of the three
 * forms means "everything", with a 200. Names that cannot exist are an untagged error, a 500.
 */
export function parseSelection(args: JsonObject, options: SelectionOptions = {}): Selection {
  const selection = exact(args) ?? singleTable(args, options) ?? singleComponent(args) ?? everything();
  const problem = nameProblem(selection);
  if (problem !== undefined) throw new ServerError(problem);
  return new Selection(selection);
}

/**
 * The selection of Data Sync: absent, or of the exact form. Names are checked when the function that is returned is
 * called, since the backend looks at the key's permission and the cursor first.
 * @throws 400 `BadJsonBody` for any other form; the function: 400 `InvalidDataSyncSelection` for names that cannot exist
 */
export function parseStrictSelection(args: Arguments): () => Selection {
  const selection = args.all.has('selection') ? strict(args) : everything();
  return () => {
    const problem = nameProblem(selection);
    if (problem !== undefined) throw badRequest('InvalidDataSyncSelection', `Invalid selection: ${problem}`);
    return new Selection(selection);
  };
}

function strict(args: Arguments): Included<ComponentChoice> {
  const value = args.optional('selection') ?? null;
  const selection = included(value, componentChoice);
  if (selection !== undefined) return selection;
  if (!(value instanceof JsonObject)) {
    throw bodyError('selection', `invalid type: ${describe(value)}, expected struct Selection`);
  }
  if (!value.has('_other')) throw bodyError('selection', 'missing field `_other`');
  throw bodyError('selection', 'data did not match any variant of untagged enum ComponentSelection');
}

function everything(): Included<ComponentChoice> {
  return { other: true, named: new Map() };
}

function exact(args: JsonObject): Included<ComponentChoice> | undefined {
  if (args.duplicates.has('selection')) return undefined;
  return included(args.get('selection'), componentChoice);
}

function singleTable(args: JsonObject, { ignoreTableName }: SelectionOptions): Included<ComponentChoice> | undefined {
  const names = ignoreTableName === true ? ['table_name'] : ['table_name', 'tableName'];
  const given = names.filter((name) => args.has(name));
  const [name] = given;
  // Both spellings are the same field twice, and that is an error like any other: everything is exported.
  if (name === undefined || given.length > 1 || args.duplicates.has(name)) return undefined;
  const table = args.get(name);
  const component = args.get('component') ?? '';
  if (typeof table !== 'string' || typeof component !== 'string' || args.duplicates.has('component')) return undefined;
  const columns: TableChoice = { other: true, named: new Map() };
  const tables: ComponentChoice = { other: false, named: new Map([[table, columns]]) };
  return { other: false, named: new Map([[component, tables]]) };
}

function singleComponent(args: JsonObject): Included<ComponentChoice> | undefined {
  const component = args.get('component');
  if (typeof component !== 'string' || args.duplicates.has('component')) return undefined;
  return { other: false, named: new Map([[component, { other: true, named: new Map() }]]) };
}

/** `{"_other": …, name: choice, …}`; undefined where anything in it does not fit. */
function included<T>(value: Json | undefined, choice: (value: Json) => T | undefined): Included<T> | undefined {
  if (!(value instanceof JsonObject) || value.duplicates.has('_other')) return undefined;
  const other = inclusion(value.get('_other'));
  if (other === undefined) return undefined;
  const named = new Map<string, T>();
  for (const [name, element] of value) {
    if (name === '_other') continue;
    const chosen = choice(element);
    if (chosen === undefined) return undefined;
    named.set(name, chosen);
  }
  return { other, named };
}

function componentChoice(value: Json): ComponentChoice | undefined {
  return included(value, tableChoice) ?? (inclusion(value) === false ? 'excluded' : undefined);
}

function tableChoice(value: Json): TableChoice | undefined {
  return included(value, inclusion) ?? (inclusion(value) === false ? 'excluded' : undefined);
}

/** The words for a column or `_other`; an enum variant may also be written as an object with a null in it. */
function inclusion(value: Json | undefined): boolean | undefined {
  const word = value instanceof JsonObject && value.size === 1 ? onlyNullKey(value) : value;
  if (word === 'included' || word === 'incl') return true;
  if (word === 'excluded' || word === 'excl') return false;
  return undefined;
}

function onlyNullKey(value: JsonObject): string | undefined {
  for (const [key, element] of value) if (element === null) return key;
  return undefined;
}

/** What is wrong with a selection's names, if anything, in the backend's order and words. */
function nameProblem(selection: Included<ComponentChoice>): string | undefined {
  for (const [component, tables] of byName(selection)) {
    const parts = component === '' ? [] : component.split('/');
    for (const part of parts) if (!isIdentifier(part)) return identifierProblem(part);
    for (const [table, columns] of tables === 'excluded' ? [] : byName(tables)) {
      if (!isIdentifier(table)) return identifierProblem(table);
      if (columns === 'excluded') continue;
      for (const [column] of byName(columns)) {
        if (!isFieldName(column)) return `Field name ${JSON.stringify(column)} is not a valid field name`;
      }
      if (!(columns.named.get('_id') ?? columns.other)) return '`_id` must be included in the column selection';
    }
  }
  return undefined;
}

function byName<T>({ named }: Included<T>): [string, T][] {
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1));
}
