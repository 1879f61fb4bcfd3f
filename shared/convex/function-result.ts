/**
 * The result of a function: a value or an error, and its log lines (C190). The value stays raw JSON;
 * `decoded` parses it.
 */
import { isUtf8 } from 'node:buffer';
import { JsonError, Members, OPEN_BRACE, OPEN_BRACKET, skipSpace } from '../json/raw.ts';

export interface FunctionSuccess {
  status: 'success';
  /** Raw JSON of the value, in the requested format. */
  value: RawValue;
  logLines: string[];
}

export interface FunctionFailure {
  status: 'error';
  /** Text of the app and the deployment, which may hold anything (C191): see `safeFailure`. */
  errorMessage: string;
  /** Raw JSON of the data of a `ConvexError` that the app threw; undefined for other errors. */
  errorData: string | undefined;
  logLines: string[];
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
  const members = new Members().open(body, 0, body.length);
  let status: string | undefined;
  let value: RawValue | undefined;
  let errorMessage: string | undefined;
  let errorData: string | undefined;
  let logLines: string[] = [];
  while (members.next()) {
    const { valueStart: start, valueEnd: end } = members;
    switch (members.key()) {
      case 'status':
        status = text(body, start, end);
        break;
      case 'value':
        value = { buffer: body, start, end };
        break;
      case 'errorMessage':
        errorMessage = text(body, start, end);
        break;
      case 'errorData':
        errorData = body.toString('utf8', start, end);
        break;
      case 'logLines':
        logLines = lines(body, start, end);
        break;
    }
  }
  if (skipSpace(body, members.end, body.length) !== body.length)
    throw new JsonError('the response goes on after its end');
  if (status === 'success' && value !== undefined) return { status, value, logLines };
  if (status === 'error' && errorMessage !== undefined) return { status, errorMessage, errorData, logLines };
  throw new JsonError('the response is not the result of a function');
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

/** A member of an object. Of repeated keys the last one counts, as in JSON.parse. */
export function member({ buffer, start, end }: RawValue, name: string): RawValue | undefined {
  const members = new Members().open(buffer, start, end);
  let found: RawValue | undefined;
  while (members.next()) {
    if (members.key() === name) found = { buffer, start: members.valueStart, end: members.valueEnd };
  }
  return found;
}

function text(body: Buffer, start: number, end: number): string | undefined {
  const value = decoded({ buffer: body, start, end });
  return typeof value === 'string' ? value : undefined;
}

function lines(body: Buffer, start: number, end: number): string[] {
  const value = decoded({ buffer: body, start, end });
  return Array.isArray(value) ? value.filter((line) => typeof line === 'string') : [];
}
