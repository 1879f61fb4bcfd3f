/**
 * Which tables the server should send. This only saves work: a selection that a backend does not understand
 * means "everything" (C52), and some backends ignore parts of it (C53). The reader must check each document's
 * own `_component` and `_table`.
 */

export interface TableRef {
  /** Component path; '' is the root. */
  component: string;
  table: string;
  /** Columns to leave out: valid field names, and not `_id`, or the server answers 500. */
  excluded?: readonly string[];
}

export type Selection = { _other: 'excluded' | 'included' } & Record<string, 'excluded' | ComponentSelection>;
type ComponentSelection = { _other: 'excluded' } & Record<string, 'excluded' | TableSelection>;
type TableSelection = { _other: 'included' | 'excluded' } & Record<string, 'excluded' | 'included'>;

/**
 * Selects these tables, without their excluded columns, and nothing else. No tables at all: an instant answer
 * that pins a snapshot (C59).
 */
export function selectTables(tables: Iterable<TableRef>): Selection {
  const selection = others<Selection>('excluded');
  for (const { component, table, excluded = [] } of tables) {
    // A component of this name cannot be selected, nor left out.
    if (component === '_other') return { _other: 'included' } as Selection;
    const tablesOf = (selection[component] ??= others<ComponentSelection>('excluded')) as ComponentSelection;
    const columns = others<TableSelection>('included');
    for (const column of excluded) columns[column] = 'excluded';
    tablesOf[table] = columns;
  }
  return selection;
}

/** Selects the ids of one table, and nothing else of its documents but the meta fields (C62). */
export function selectIds({ component, table }: TableRef): Selection {
  const columns = Object.assign(others<TableSelection>('excluded'), { _id: 'included' });
  const tables = Object.assign(others<ComponentSelection>('excluded'), { [table]: columns });
  return Object.assign(others<Selection>('excluded'), { [component]: tables });
}

/** Without a prototype: a component or a column may be called `constructor`. */
function others<T>(inclusion: 'excluded' | 'included'): T {
  return Object.assign(Object.create(null) as object, { _other: inclusion }) as T;
}

/** A key for maps of tables: a NUL occurs in no path and no name. */
export function tableKey(component: string, table: string): string {
  return `${component}\0${table}`;
}
