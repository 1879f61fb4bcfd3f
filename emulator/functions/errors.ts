import { toValue, type Value } from '../values/values.ts';

/** A failure of a function that is none of the function's own code: answered with status 200 and "error" all the same. */
export class FunctionError extends Error {
  /** What a client finds in `errorData`. */
  readonly data: Value | undefined;

  constructor(message: string, data?: Value) {
    super(message);
    this.data = data;
  }
}

/** What was thrown, as its function's caller is told: the first line of the message, and the data of a `ConvexError`. */
export function describeThrown(thrown: unknown): { message: string; data: Value | undefined } {
  if (thrown instanceof FunctionError) return { message: thrown.message, data: thrown.data };
  if (isConvexError(thrown)) {
    return { message: uncaught('ConvexError', thrown.message), data: toValue(thrown.data ?? null) };
  }
  if (thrown instanceof Error) return { message: uncaught(thrown.name, thrown.message), data: undefined };
  return { message: `Uncaught ${String(thrown)}`, data: undefined };
}

function uncaught(name: string, message: string): string {
  return message === '' ? `Uncaught ${name}` : `Uncaught ${name}: ${message}`;
}

/** The npm package's class marks its instances, so that copies of the package know each other's. */
function isConvexError(thrown: unknown): thrown is Error & { data: unknown } {
  return thrown instanceof Error && Symbol.for('ConvexError') in thrown;
}
