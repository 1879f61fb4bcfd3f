/**
 * The members of one object, found all at once: what `Members` of raw.ts does step by step, for objects whose
 * every key has to be looked at (measured: a third of the time on typical documents). Values are not looked
 * into; that they are single values is left to whoever parses them.
 *
 * Keys that turn out to be of no interest are told (`ignore`), and members that have them are passed over
 * from then on (measured: two thirds of what was left). Those of interest are told as well (`want`), and are
 * recognised from then on.
 */
import { COLON, JsonError, OPEN_BRACE, QUOTE, isSpace, skipSpace, skipString } from './raw.ts';
import { FIRST_MEMBER, MEMBER_NUMBERS, findMembers, found, foundSuspicious } from './wasm/find.ts';
import { KnownKeys, type QuietKeys } from './wasm/keys.ts';

export class IndexedMembers {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** The position just after the object's closing brace. */
  end = 0;
  /** Whether `inspect` may have anything to tell of the object, if it was opened with quiet keys. */
  suspicious = false;
  /** The number that `want` gave the current key; -1 for any other. */
  key = -1;
  readonly #known = new KnownKeys();
  #buffer: Buffer = Buffer.alloc(0);
  #base = 0;
  #next = FIRST_MEMBER;
  #count = FIRST_MEMBER;

  /**
   * The object whose `{` is at `start`. False where it cannot be had this way: there is none, it does not end
   * before `limit`, or it is very large. What is found is shared by all: no other object may be opened before
   * the last member has been asked for.
   */
  open(buffer: Buffer, start: number, limit: number, quiet?: QuietKeys): boolean {
    this.suspicious = true;
    if (buffer[start] !== OPEN_BRACE) return false;
    const count = findMembers(buffer, start, limit, this.#known, quiet);
    if (count === 0) return false;
    this.suspicious = foundSuspicious();
    this.#buffer = buffer;
    this.#base = start;
    this.#next = FIRST_MEMBER;
    this.#count = count;
    this.end = start + found[0]!;
    return true;
  }

  /** Moves to the next member whose key is not ignored. Throws `JsonError` if a key or colon is missing. */
  next(): boolean {
    const next = this.#next;
    if (next >= this.#count) return false;
    this.#next = next + MEMBER_NUMBERS;
    const start = this.#base + found[next]!;
    const end = this.#base + found[next + 2]!;
    this.key = found[next + 1]!;
    return this.key === -1 ? this.#readMember(start, end) : this.#readKnown(start, end);
  }

  /** A member whose key was found: its colon and the first byte of its value were seen. */
  #readKnown(start: number, memberEnd: number): boolean {
    const buffer = this.#buffer;
    this.keyStart = buffer[start] === QUOTE ? start + 1 : start + 2;
    this.keyEnd = this.keyStart + this.#known.lengthOf(this.key) - 2;
    const at = this.keyEnd + 2;
    this.valueStart = isSpace(buffer[at]) ? at + 1 : at;
    this.valueEnd = endOfValue(buffer, this.valueStart, memberEnd);
    return true;
  }

  #readMember(start: number, memberEnd: number): boolean {
    const buffer = this.#buffer;
    let at = start;
    if (buffer[at] !== QUOTE) at = skipSpace(buffer, at, memberEnd);
    // `{}`
    if (at === memberEnd && start === this.#base + 1 && memberEnd === this.end - 1) return false;
    if (buffer[at] !== QUOTE || at >= memberEnd) throw new JsonError(`byte ${at} should start a key of a JSON object`);
    this.keyStart = at + 1;
    at = skipString(buffer, at + 1, memberEnd);
    if (at === -1) throw new JsonError(`a key that starts at byte ${this.keyStart} has no end`);
    this.keyEnd = at - 1;
    if (buffer[at] !== COLON) at = skipSpace(buffer, at, memberEnd);
    if (buffer[at] !== COLON || at >= memberEnd) throw new JsonError(`byte ${at} should be a colon`);
    at = skipSpace(buffer, at + 1, memberEnd);
    const end = endOfValue(buffer, at, memberEnd);
    if (end === at) throw new JsonError(`byte ${at} should start a value`);
    this.valueStart = at;
    this.valueEnd = end;
    return true;
  }

  /** Whether the current key is one that can be ignored or wanted from now on. */
  get learnable(): boolean {
    return this.#known.takes(this.keyEnd - this.keyStart + 2);
  }

  /** From the next object on, members with a key that is written like the current one are passed over. */
  ignore(): void {
    this.#known.add(this.#buffer, this.keyStart - 1, this.keyEnd + 1);
  }

  /** Recognises keys written like the current one from the next object on. Returns its number. */
  want(): number {
    return this.#known.add(this.#buffer, this.keyStart - 1, this.keyEnd + 1, true);
  }
}

function endOfValue(buffer: Buffer, start: number, memberEnd: number): number {
  let end = memberEnd;
  while (end > start && isSpace(buffer[end - 1])) end--;
  return end;
}
