/**
 * Finds the elements of one array of a JSON response while it streams in.
 *
 * A page of documents is `{"values":[{…},{…}],"cursor":…,"hasMore":…}`. A page of 1,024 documents can have 1
 * GiB (C55), so it is scanned chunk by chunk. An element is available as soon as its last byte has arrived.
 * At most two elements are kept in memory.
 */
import { ElementBatch } from './element-batch.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import { Utf8Check } from './utf8.ts';
import { findValueEnd } from './value-end.ts';
import { findElements, findEnd, found, type Unfinished } from './wasm/find.ts';
import {
  CARRIAGE_RETURN,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  JsonError,
  NEWLINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  isSpace,
  onOneLine,
  stringAt,
} from './raw.ts';

const Expect = {
  Object: 0,
  KeyOrEnd: 1,
  Key: 2,
  Colon: 3,
  Value: 4,
  ElementOrEnd: 5,
  Element: 6,
  CommaOrArrayEnd: 7,
  CommaOrEnd: 8,
  Nothing: 9,
} as const;
type Expect = (typeof Expect)[keyof typeof Expect];

/** Bytes of the members beside the array: a cursor, a flag, a timestamp. More is a wrong response. */
const MAX_MEMBER_BYTES = 64 * 1024;
/** And they are few. */
const MAX_MEMBERS = 100;
/** White space between two documents; a proxy that prints JSON prettily needs some. */
const MAX_SPACE = 1024 * 1024;
/** Bytes. A document has at most 1 MiB as Convex counts; as JSON it is longer, but below this. */
const MAX_ELEMENT_BYTES = 32 * 1024 * 1024;

/** As `findElements`: writes the ends of elements to `found`, and returns how many it has found. */
export type FindElements = (chunk: Buffer, at: number, limit: number) => number;

export class ElementScanner {
  /** Elements found so far. */
  count = 0;
  /** Bytes taken in so far. */
  bytes = 0;
  /** The raw text of the members that stand before the array; undefined as long as it has not begun. */
  membersBefore: ReadonlyMap<string, string> | undefined;
  readonly #arrayKey: string;
  readonly #maxMemberBytes: number;
  readonly #batch = new ElementBatch();
  readonly #members = new Map<string, string>();
  #sawArray = false;
  /** White space since the last thing that was none. */
  #space = 0;
  #expect: Expect = Expect.Object;
  #key = '';
  #inArray = false;
  readonly #find: FindElements;
  /** Whether the chunk was searched for elements: one that was not found goes on in the next chunk. */
  #searched = false;
  // The value that is being scanned: how deep it is nested, and where inside a string the last chunk stopped.
  #value: Unfinished = { depth: 0, inString: false, escaped: false };
  // The beginning of a value that the last chunk did not finish.
  #carry = new GrowingBuffer();
  /** Takes turns with `#carry`: the batch may still show an element in the other one. */
  #spareCarry = new GrowingBuffer();
  readonly #utf8 = new Utf8Check();
  #lineBreaks = false;

  /**
   * `arrayKey`: the member of the response whose elements are wanted. `maxMemberBytes`: the largest of the
   * others. `find` finds the ends of elements, and may find out more about them; it is called once for a
   * chunk.
   */
  constructor(arrayKey: string, maxMemberBytes = MAX_MEMBER_BYTES, find: FindElements = findElements) {
    this.#arrayKey = arrayKey;
    this.#find = find;
    this.#maxMemberBytes = maxMemberBytes;
  }

  /** Takes the next bytes. Returns the elements that they complete. Throws `JsonError`. */
  push(chunk: Buffer): ElementBatch {
    this.#batch.clear();
    this.#searched = false;
    // Readers downstream would drop a line of invalid UTF-8 silently.
    if (!this.#utf8.accepts(chunk)) throw new JsonError('the response is not valid UTF-8');
    // The server writes none; a proxy that prints JSON prettily would. Both searches are native and cheap.
    this.#lineBreaks ||= chunk.includes(NEWLINE) || chunk.includes(CARRIAGE_RETURN);
    let at = 0;
    const end = chunk.length;
    if (this.#carry.length > 0) at = this.#continueCarried(chunk);
    while (at < end) {
      const byte = chunk[at]!;
      if (isSpace(byte)) {
        at++;
        if (++this.#space > MAX_SPACE) throw new JsonError('the response goes on with white space for ever');
        continue;
      }
      this.#space = 0;
      switch (this.#expect) {
        case Expect.Element:
        case Expect.ElementOrEnd:
          if (byte === CLOSE_BRACKET && this.#expect === Expect.ElementOrEnd) {
            this.#endArray();
            at++;
          } else if (byte === OPEN_BRACE) {
            at = this.#elements(chunk, at);
          } else {
            throw this.#unexpected('a document', at);
          }
          break;
        case Expect.CommaOrArrayEnd:
          if (byte === COMMA) this.#expect = Expect.Element;
          else if (byte === CLOSE_BRACKET) this.#endArray();
          else throw this.#unexpected('a comma or the end of the array', at);
          at++;
          break;
        case Expect.Value:
          if (this.#key === this.#arrayKey && byte === OPEN_BRACKET) {
            if (this.#sawArray) throw new JsonError(`the response has two members "${this.#arrayKey}"`);
            this.#inArray = true;
            this.#sawArray = true;
            this.membersBefore = new Map(this.#members);
            this.#expect = Expect.ElementOrEnd;
            at++;
          } else {
            at = this.#startValue(chunk, at);
          }
          break;
        case Expect.Object:
          if (byte !== OPEN_BRACE) throw this.#unexpected('a JSON object', at);
          this.#expect = Expect.KeyOrEnd;
          at++;
          break;
        case Expect.KeyOrEnd:
        case Expect.Key:
          if (byte === QUOTE) {
            at = this.#startValue(chunk, at);
          } else if (byte === CLOSE_BRACE && this.#expect === Expect.KeyOrEnd) {
            this.#expect = Expect.Nothing;
            at++;
          } else {
            throw this.#unexpected('a key', at);
          }
          break;
        case Expect.Colon:
          if (byte !== COLON) throw this.#unexpected('a colon', at);
          this.#expect = Expect.Value;
          at++;
          break;
        case Expect.CommaOrEnd:
          if (byte === COMMA) this.#expect = Expect.Key;
          else if (byte === CLOSE_BRACE) this.#expect = Expect.Nothing;
          else throw this.#unexpected('a comma or the end of the response', at);
          at++;
          break;
        case Expect.Nothing:
          throw this.#unexpected('the end of the response', at);
      }
    }
    this.bytes += end;
    return this.#batch;
  }

  /** At the end of the body: the raw text of other members. Throws `JsonError` if it is incomplete. */
  finish(): ReadonlyMap<string, string> {
    if (this.#expect !== Expect.Nothing || this.#utf8.incomplete) {
      throw new JsonError(`the response broke off after ${this.bytes} bytes`);
    }
    if (!this.#sawArray) throw new JsonError(`the response has no "${this.#arrayKey}"`);
    return this.#members;
  }

  #endArray(): void {
    this.#inArray = false;
    this.#expect = Expect.CommaOrEnd;
  }

  /**
   * An element starts at `at`. Nearly all elements lie in one chunk and are found many at a time. One that
   * the chunk does not finish is continued in the next chunk.
   */
  #elements(chunk: Buffer, at: number): number {
    const count = this.#searched ? 0 : this.#find(chunk, at, chunk.length);
    this.#searched = true;
    if (count === 0) return this.#startValue(chunk, at);
    const base = at;
    for (let i = 0; ; i++) {
      const end = base + found[i]!;
      this.#endValue(chunk, at, end);
      if (i + 1 === count || chunk[end] !== COMMA || chunk[end + 1] !== OPEN_BRACE) return end;
      at = end + 1;
    }
  }

  /** A value starts at `at`: finishes it if the chunk holds all of it, otherwise keeps its beginning. */
  #startValue(chunk: Buffer, at: number): number {
    this.#value = { depth: 0, inString: false, escaped: false };
    const after = this.#scan(chunk, at);
    if (after !== -1) {
      this.#endValue(chunk, at, after);
      return after;
    }
    this.#keep(chunk, at, chunk.length);
    return chunk.length;
  }

  #continueCarried(chunk: Buffer): number {
    const after = this.#scan(chunk, 0);
    this.#keep(chunk, 0, after === -1 ? chunk.length : after);
    if (after === -1) return chunk.length;
    const finished = this.#carry;
    this.#carry = this.#spareCarry;
    this.#carry.clear();
    this.#spareCarry = finished;
    this.#endValue(finished.buffer, 0, finished.length);
    return after;
  }

  #endValue(buffer: Buffer, start: number, end: number): void {
    if (this.#inArray) {
      this.count++;
      this.#expect = Expect.CommaOrArrayEnd;
      if (this.#lineBreaks) {
        const line = onOneLine(buffer, start, end);
        this.#batch.add(line, 0, line.length);
      } else {
        this.#batch.add(buffer, start, end);
      }
    } else if (this.#expect === Expect.Value) {
      if (this.#members.size === MAX_MEMBERS)
        throw new JsonError(`the response has more than ${MAX_MEMBERS} members, which no page of documents has`);
      this.#members.set(this.#key, buffer.toString('utf8', start, end));
      this.#expect = Expect.CommaOrEnd;
    } else {
      this.#key = stringAt(buffer, start, end);
      this.#expect = Expect.Colon;
    }
  }

  /** Continues the value in hand at `at`. Returns where it ends; -1 if the chunk ends first. */
  #scan(chunk: Buffer, at: number): number {
    if (this.#inArray) return findEnd(chunk, at, chunk.length, this.#value);
    return findValueEnd(chunk, at, this.#value);
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const limit = this.#inArray ? MAX_ELEMENT_BYTES : this.#maxMemberBytes;
    if (this.#carry.length + end - start > limit)
      throw new JsonError(`the response holds a value of more than ${limit} bytes, which no page of documents does`);
    this.#carry.bytes(chunk, start, end);
  }

  #unexpected(wanted: string, at: number): JsonError {
    return new JsonError(`byte ${this.bytes + at} of the response should be ${wanted}`);
  }
}
