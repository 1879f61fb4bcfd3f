/**
 * Which tables the server should send. An optimisation only: a selection that a backend does not understand silently means "everything"
 * (trap 2), and backends of 2025-08-14 to 2026-03-16 ignored `tableName` (trap 3). Whoever reads has to look at each document's own
 * `_component` and `_table`.
 */

export interface TableRef {
  /** Component path; '' is the root. */
  component: string;
  table: string;
}

export type Selection = { _other: 'excluded' | 'included' } & Record<string, 'excluded' | ComponentSelection>;
type ComponentSelection = { _other: 'excluded' } & Record<string, 'excluded' | { _other: 'included' }>;

/** Selects these tables and nothing else. No tables at all: an instant answer that pins a snapshot (trap 9). */
export function selectTables(tables: Iterable<TableRef>): Selection {
  const selection = excluding<Selection>();
  for (const { component, table } of tables) {
    // A component of this name cannot be selected, nor left out.
    if (component === '_other') return { _other: 'included' } as Selection;
    const tablesOf = (selection[component] ??= excluding<ComponentSelection>()) as ComponentSelection;
    tablesOf[table] = { _other: 'included' };
  }
  return selection;
}

/** Without a prototype: a component may be called `constructor`. */
function excluding<T>(): T {
  return Object.assign(Object.create(null) as object, { _other: 'excluded' }) as T;
}

/** A key for maps of tables: a NUL occurs in no path and no name. */
export function tableKey(component: string, table: string): string {
  return `${component}\0${table}`;
}
