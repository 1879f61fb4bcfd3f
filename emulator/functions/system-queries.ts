import type { Operation } from '../http/auth.ts';
import type { Value, ValueObject } from '../values/values.ts';

/** A query of the backend's own, below `_system/`. Only deploy keys with the permission `operation` may run it. */
export interface SystemQuery {
  operation: Operation;
  /** @throws FunctionError for bad arguments */
  run: (args: ValueObject) => Value;
}
