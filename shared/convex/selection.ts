/**
 * Which tables the server should send. This only saves work: a selection that a backend does not understand means
 * "everything" (C52), and some backends ignore parts of it (C53). The reader must check each document's own
 * `_component` and `_table`.
 */

export interface TableRef {
  /** Component path; '' is the root. */
  component: string;
  table: string;
}

export type Selection = { _other: 'excluded' | 'included' } & Record<string, 'excluded' | ComponentSelection>;
type ComponentSelection = { _other: 'excluded' } & Record<string, 'excluded' | { _other: 'included' }>;

/** Selects these tables and nothing else. No tables at all: an instant answer that pins a snapshot (C59). */
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
