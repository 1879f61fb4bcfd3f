/**
 * Selections: which tables the server should send. A selection only saves work: backends may ignore it (C52,
 * C53), so readers check the `_component` and `_table` of each document (INV7).
 */

export interface TableRef {
  /** Path of the component; '' is the root. */
  component: string;
  table: string;
  /** Columns to leave out: valid field names other than `_id` (C7). */
  excluded?: readonly string[];
}

export type Selection = { _other: 'excluded' | 'included' } & Record<string, 'excluded' | ComponentSelection>;
type ComponentSelection = { _other: 'excluded' } & Record<string, 'excluded' | TableSelection>;
type TableSelection = { _other: 'included' | 'excluded' } & Record<string, 'excluded' | 'included'>;

/** Selects these tables without their excluded columns. An empty selection pins a snapshot (C59). */
export function selectTables(tables: Iterable<TableRef>): Selection {
  const selection = others<Selection>('excluded');
  for (const { component, table, excluded = [] } of tables) {
    // A component of this name cannot be selected (C54).
    if (component === '_other') return { _other: 'included' } as Selection;
    const tablesOf = (selection[component] ??= others<ComponentSelection>('excluded')) as ComponentSelection;
    const columns = others<TableSelection>('included');
    for (const column of excluded) columns[column] = 'excluded';
    tablesOf[table] = columns;
  }
  return selection;
}

/** Selects the ids and meta fields of one table (C62). */
export function selectIds({ component, table }: TableRef): Selection {
  const columns = Object.assign(others<TableSelection>('excluded'), { _id: 'included' });
  const tables = Object.assign(others<ComponentSelection>('excluded'), { [table]: columns });
  return Object.assign(others<Selection>('excluded'), { [component]: tables });
}

/** Without a prototype: names such as `constructor` may occur. */
function others<T>(inclusion: 'excluded' | 'included'): T {
  return Object.assign(Object.create(null) as object, { _other: inclusion }) as T;
}

/** A key for maps of tables. Paths and names cannot contain NUL. */
export function tableKey(component: string, table: string): string {
  return `${component}\0${table}`;
}
