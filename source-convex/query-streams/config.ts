/** The query streams of a configuration, and the checks that a JSON Schema cannot express. Pure. */
import { createHash } from 'node:crypto';
import { configError } from '../../shared/core/failure.ts';
import { FunctionPathError, parseFunctionPath } from '../../shared/convex/function-path.ts';
import { JsonError, rawMembers } from '../../shared/json/raw.ts';
import type { SourceConfig } from '../config.generated.ts';

export interface QueryStream {
  name: string;
  /** `orders:open` */
  query: string;
  /** Raw JSON of each argument, by name, so that numbers keep their digits. */
  args: ReadonlyMap<string, string>;
  paginated: boolean;
  pageSize: number;
  primaryKey: readonly string[];
  /** Incremental syncs pass the greatest value of `field` as `argument`. */
  cursor: { field: string; argument: string | undefined } | undefined;
  /** Hash of query, arguments and cursor. Positions saved with another fingerprint are invalid. */
  fingerprint: string;
}

type Configured = NonNullable<SourceConfig['query_streams']>[number];

const PAGE_SIZE = 1000;
/** The argument of Convex's `paginate`. */
const PAGINATION = 'paginationOpts';

/** Throws a config_error that names the stream and what is wrong with it. */
export function queryStreamsOf({ query_streams: configured = [] }: SourceConfig): QueryStream[] {
  const streams = configured.map(queryStreamOf);
  const seen = new Set<string>();
  for (const { name } of streams) {
    if (seen.has(name))
      throw configError(`There are two query streams "${name}". Streams are told apart by their names: rename one.`);
    seen.add(name);
  }
  return streams;
}

function queryStreamOf(configured: Configured): QueryStream {
  const { name, paginated = true, page_size: pageSize = PAGE_SIZE, primary_key: primaryKey = [] } = configured;
  const refuse = (what: string) => configError(`Query stream "${name}": ${what}`);
  if (name.trim() === '') throw configError('A query stream has no name.');
  const query = pathOf(configured.query, refuse);
  const args = argsOf(configured.args ?? '', refuse);
  if (paginated && args.has(PAGINATION))
    throw refuse(`leave ${PAGINATION} out of the arguments: it is added for every page.`);
  const field = configured.cursor_field?.trim() || undefined;
  const argument = configured.cursor_argument?.trim() || undefined;
  if (argument !== undefined && field === undefined)
    throw refuse('a cursor argument needs a cursor field, whose value it takes.');
  if (argument === PAGINATION && paginated) throw refuse(`${PAGINATION} cannot be the cursor argument.`);
  if (new Set(primaryKey).size !== primaryKey.length) throw refuse('the primary key names a field twice.');
  const cursor = field === undefined ? undefined : { field, argument };
  const identity = JSON.stringify([query, [...args].sort(), paginated, field ?? null, argument ?? null]);
  const fingerprint = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return { name, query, args, paginated, pageSize, primaryKey, cursor, fingerprint };
}

type Refuse = (what: string) => Error;

function pathOf(text: string, refuse: Refuse): string {
  try {
    return parseFunctionPath(text);
  } catch (error) {
    if (error instanceof FunctionPathError) throw refuse(error.message);
    throw error;
  }
}

function argsOf(text: string, refuse: Refuse): Map<string, string> {
  if (text.trim() === '') return new Map();
  try {
    // Parsed only to check that it is JSON; the text is used as it is.
    JSON.parse(text);
    return rawMembers(Buffer.from(text.trim()));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JsonError)
      throw refuse('its arguments are not a JSON object, such as {"region": "eu"}.');
    throw error;
  }
}

export interface CallArgs {
  /** Raw JSON of the cursor argument. Undefined: the configured value, if any. */
  cursor: string | undefined;
  page: { numItems: number; cursor: string | null } | undefined;
}

/** The arguments of one call, as JSON text. */
export function argsText({ args, cursor: configured }: QueryStream, { cursor, page }: CallArgs): string {
  const all = new Map(args);
  if (cursor !== undefined && configured?.argument !== undefined) all.set(configured.argument, cursor);
  if (page !== undefined) all.set(PAGINATION, JSON.stringify(page));
  return `{${[...all].map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(',')}}`;
}
