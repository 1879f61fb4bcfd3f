import { type Identity, requireOperation } from '../http/auth.ts';
import type { Deployment } from '../store/deployment.ts';
import { HttpError } from '../http/errors.ts';
import { formatBytes } from '../values/format-bytes.ts';
import type { Json } from '../values/json-parse.ts';
import { mismatchOf } from '../store/schema-check.ts';
import { Transaction } from '../store/transaction.ts';
import { emptyObject, isObject, sizeOf, toObject, toValue, type Value, type ValueObject } from '../values/values.ts';
import { type ActionContext, authOf, consoleInto, type Run } from './contexts.ts';
import { DatabaseReader, DatabaseWriter } from './database.ts';
import { decodeValue } from './decode.ts';
import {
  definitionOf,
  type FunctionDefinition,
  type FunctionPath,
  type Functions,
  type FunctionType,
  parseFunctionPath,
  pathOf,
} from './definitions.ts';
import { describeThrown, FunctionError } from './errors.ts';
import type { SystemQuery } from './system-queries.ts';

/** What became of a call: a value, or the message and data of an error. Lines were printed in either case. */
export type Outcome = { logLines: string[] } & (
  { value: Value } | { message: string; data: Value | undefined; frame: string | undefined }
);

export interface Call {
  path: string;
  /** What the caller takes the function for; undefined: whatever it is. */
  expected: FunctionType | undefined;
  args: Json;
  identity: Identity;
}

/** Where a function runs: in whose name, printing where, and inside which transaction. */
interface Scope {
  identity: Identity;
  logLines: string[];
  db: DatabaseReader | DatabaseWriter | undefined;
}

const OPERATIONS = {
  query: 'deployment:functions:runInternalQueries',
  mutation: 'deployment:functions:runInternalMutations',
  action: 'deployment:functions:runInternalActions',
} as const;

/** The type as messages name it. */
const NAMES: Record<FunctionType, string> = { query: 'Query', mutation: 'Mutation', action: 'Action' };

/** Runs the functions of a deployment (crates/udf/src/validation.rs, crates/application/src/lib.rs). */
export class FunctionRunner {
  readonly #deployment: Deployment;
  readonly #functions: Map<string, FunctionDefinition>;
  readonly #systemQueries: ReadonlyMap<string, SystemQuery>;
  /** Queries and mutations run one after the other: a transaction in progress is nobody else's to see. */
  #last: Promise<unknown> = Promise.resolve();

  /** `systemQueries` are the backend's own, by path. */
  constructor(
    deployment: Deployment,
    functions: Functions = {},
    systemQueries: ReadonlyMap<string, SystemQuery> = new Map(),
  ) {
    this.#deployment = deployment;
    this.#systemQueries = systemQueries;
    this.#functions = new Map(
      Object.entries(functions).map(([path, given]) => [parseFunctionPath(path).key, definitionOf(given)]),
    );
  }

  /** @throws HttpError for what is not the function's own failure: bad paths, keys, an overloaded deployment. */
  async call({ path: text, expected, args, identity }: Call): Promise<Outcome> {
    const path = parseFunctionPath(text);
    const logLines: string[] = [];
    try {
      const systemQuery =
        expected === 'query' || expected === undefined ? this.#systemQueries.get(path.short) : undefined;
      if (systemQuery !== undefined && identity.kind === 'admin') {
        const decoded = this.#decode(path, args);
        requireOperation(identity, systemQuery.operation);
        return { value: systemQuery.run(isObject(decoded) ? decoded : emptyObject()), logLines };
      }
      const definition = this.#find(path, expected, identity);
      const value = await this.#run(path, definition, this.#decode(path, args), { identity, logLines, db: undefined });
      return { value, logLines };
    } catch (thrown) {
      // What the app's code did wrong is its own error; all else is the deployment's.
      if (thrown instanceof HttpError && thrown.status !== 400) throw thrown;
      const frame =
        thrown instanceof FunctionError ? undefined : `    at handler (../convex/${path.key.split(':')[0]}.ts)`;
      return { ...describeThrown(thrown), frame, logLines };
    }
  }

  /** `ctx` of an HTTP action. */
  actionContext(identity: Identity, logLines: string[]): ActionContext {
    const { runQuery, runMutation, runAction } = this.#callers({ identity, logLines, db: undefined });
    return { auth: authOf(identity), console: consoleInto(logLines), runQuery, runMutation, runAction };
  }

  #find(path: FunctionPath, expected: FunctionType | undefined, identity: Identity): FunctionDefinition {
    const definition = this.#functions.get(path.key);
    const hidden = definition?.visibility === 'internal' && identity.kind !== 'admin';
    if (definition === undefined || hidden) {
      throw new FunctionError(
        expected === undefined
          ? `Could not find function for '${path.short}'. Did you forget to run \`npx convex dev\`?`
          : `Could not find public function for '${path.short}'.`,
      );
    }
    if (definition.visibility === 'internal') requireOperation(identity, OPERATIONS[definition.type]);
    if (expected !== undefined && expected !== definition.type) {
      throw new FunctionError(
        `Trying to execute ${path.full} as ${NAMES[expected]}, but it is defined as ${NAMES[definition.type]}.`,
      );
    }
    return definition;
  }

  #decode(path: FunctionPath, json: Json): Value {
    try {
      // Arguments by position are a relic: the first one is the object of named ones.
      return decodeValue(Array.isArray(json) ? (json[0] ?? null) : json);
    } catch (error) {
      throw new FunctionError(`Invalid arguments for ${path.full}: ${error instanceof Error ? error.message : ''}`);
    }
  }

  #checkArguments(path: FunctionPath, definition: FunctionDefinition, args: Value): ValueObject {
    const limit = this.#deployment.limits.functionArgs;
    const size = sizeOf(args);
    if (size > limit) {
      throw new FunctionError(
        `Arguments for ${path.full} are too large (actual: ${formatBytes(size)}, limit: ${formatBytes(limit)})`,
      );
    }
    const names = new Map(this.#deployment.catalog.active('').map(({ number, name }) => [number, name]));
    const mismatch =
      definition.args === undefined ? undefined : mismatchOf(definition.args, args, '', (number) => names.get(number));
    if (mismatch !== undefined) throw new FunctionError(`ArgumentValidationError: ${mismatch}`);
    if (!isObject(args)) throw new FunctionError(`Invalid arguments for ${path.full}: expected an object`);
    return args;
  }

  async #run(path: FunctionPath, definition: FunctionDefinition, args: Value, scope: Scope): Promise<Value> {
    const given = await this.#handle(definition, this.#checkArguments(path, definition, args), scope);
    let value: Value;
    try {
      value = toValue(given ?? null);
    } catch (error) {
      const reason = error instanceof Error ? error.message : '';
      throw new FunctionError(`Function ${path.full} return value invalid: ${reason}`);
    }
    const size = sizeOf(value);
    const limit = this.#deployment.limits.functionResult;
    if (size <= limit) return value;
    throw new FunctionError(
      `Function ${path.full} return value is too large (actual: ${formatBytes(size)}, limit: ${formatBytes(limit)})`,
    );
  }

  async #handle(definition: FunctionDefinition, args: ValueObject, scope: Scope): Promise<unknown> {
    const { identity, logLines } = scope;
    const common = { auth: authOf(identity), console: consoleInto(logLines) };
    const given = args as never;
    if (definition.type === 'action') {
      return definition.handler({ ...common, ...this.#callers(scope) }, given);
    }
    if (scope.db !== undefined) {
      const { runQuery, runMutation } = this.#callers(scope);
      const ctx = { ...common, db: scope.db as DatabaseWriter, runQuery, runMutation };
      return definition.handler(ctx, given);
    }
    if (definition.type === 'query') {
      return this.#alone(async () => {
        const db = new DatabaseReader(this.#deployment);
        const { runQuery } = this.#callers({ ...scope, db });
        return definition.handler({ ...common, db, runQuery }, given);
      });
    }
    return this.#alone(async () => {
      this.#deployment.writeRate.check(this.#deployment.clock.now);
      const tx = new Transaction(this.#deployment);
      const db = new DatabaseWriter(this.#deployment, tx);
      const { runQuery, runMutation } = this.#callers({ ...scope, db });
      try {
        const result = await definition.handler({ ...common, db, runQuery, runMutation }, given);
        tx.commit();
        return result;
      } catch (error) {
        tx.rollback();
        throw error;
      }
    });
  }

  /** How functions run each other: all of them, internal ones too. Inside a transaction they are part of it. */
  #callers(scope: Scope): { runQuery: Run; runMutation: Run; runAction: Run } {
    const run = (expected: FunctionType): Run => {
      return async (reference, args = {}) => {
        const path = parseFunctionPath(pathOf(reference));
        const definition = this.#functions.get(path.key);
        if (definition?.type !== expected) throw new FunctionError(`Could not find function for '${path.short}'.`);
        return this.#run(path, definition, toObject(args), scope);
      };
    };
    return { runQuery: run('query'), runMutation: run('mutation'), runAction: run('action') };
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const running = before.then(work, work);
    this.#last = running.catch(() => undefined);
    return running;
  }
}
