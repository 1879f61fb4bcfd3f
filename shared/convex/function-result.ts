/** The result of a function: a value or an error (C190). The value stays raw JSON; `decoded` parses it. */
import { isUtf8 } from 'node:buffer';
import { JsonError, Members, OPEN_BRACE, OPEN_BRACKET, skipSpace } from '../json/raw.ts';

export interface FunctionSuccess {
  status: 'success';
  /** Raw JSON of the value, in the requested format. */
  value: RawValue;
}

export interface FunctionFailure {
  status: 'error';
  /** Text of the app and the deployment, which may hold anything (C191): see `safeFailure`. */
  errorMessage: string;
  /** Raw JSON of the data of a `ConvexError` that the app threw; undefined for other errors. */
  errorData: string | undefined;
}

export type FunctionResult = FunctionSuccess | FunctionFailure;

/** Bytes of a value: `buffer[start, end)`. */
export interface RawValue {
  buffer: Buffer;
  start: number;
  end: number;
}

/** Parses a whole response. Throws `JsonError` if it is not the result of a function. */
export function readFunctionResult(body: Buffer): FunctionResult {
  // Readers downstream drop lines of invalid UTF-8 silently.
  if (!isUtf8(body)) throw new JsonError('the response is not valid UTF-8');
  const { members, end: after } = membersOf({ buffer: body, start: 0, end: body.length });
  if (skipSpace(body, after, body.length) !== body.length) throw new JsonError('the response goes on after its end');
  const [status, errorMessage] = ['status', 'errorMessage'].map((name) => {
    const found = members.get(name);
    return found === undefined ? undefined : decoded(found);
  });
  const value = members.get('value');
  if (status === 'success' && value !== undefined) return { status, value };
  if (status === 'error' && typeof errorMessage === 'string') {
    const data = members.get('errorData');
    return { status, errorMessage, errorData: data && body.toString('utf8', data.start, data.end) };
  }
  throw new JsonError('the response is not the result of a function');
}

/** The places of an object's members, and its end. Of repeated keys the last one counts, as in JSON.parse. */
function membersOf({ buffer, start, end }: RawValue): { members: ReadonlyMap<string, RawValue>; end: number } {
  const found = new Map<string, RawValue>();
  const members = new Members().open(buffer, start, end);
  while (members.next()) found.set(members.key(), { buffer, start: members.valueStart, end: members.valueEnd });
  return { members: found, end: members.end };
}

/** Parses the value. Throws `JsonError`. */
export function decoded({ buffer, start, end }: RawValue): unknown {
  try {
    return JSON.parse(buffer.toString('utf8', start, end)) as unknown;
  } catch {
    throw new JsonError('the value of a function is not valid JSON');
  }
}

export function isArray({ buffer, start }: RawValue): boolean {
  return buffer[start] === OPEN_BRACKET;
}

export function isObject({ buffer, start }: RawValue): boolean {
  return buffer[start] === OPEN_BRACE;
}

/** A member of an object. */
export function member(value: RawValue, name: string): RawValue | undefined {
  return membersOf(value).members.get(name);
}
