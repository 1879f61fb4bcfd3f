/**
 * What a function gave: a value or an error, and the lines that it printed. The value stays the bytes that it
 * came as: a page of documents only passes through (`elementsOf`), and who wants it decoded asks for that
 * (`decoded`).
 */
import { isUtf8 } from 'node:buffer';
import { JsonError, Members, OPEN_BRACE, OPEN_BRACKET, skipSpace } from '../json/raw.ts';

export interface FunctionSuccess {
  status: 'success';
  /** The value's raw JSON, in the format that was asked for. */
  value: RawValue;
  logLines: string[];
}

export interface FunctionFailure {
  status: 'error';
  /** Text of the app and of the deployment. May hold anything that the app put into it: see `safeMessage`. */
  errorMessage: string;
  /** The data of a `ConvexApiError`, raw JSON; undefined where something else was thrown. */
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

/** Reads a whole response. Throws `JsonError` where it is not the result of a function. */
export function readFunctionResult(body: Buffer): FunctionResult {
  // A line of invalid UTF-8 would be dropped by readers downstream without a word.
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

/** The value, decoded as JSON. Throws `JsonError`. */
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

/** A member of an object, or undefined. Where a key is repeated the last one counts, as in JSON.parse. */
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
