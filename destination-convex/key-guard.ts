/**
 * Checks the primary key of deduplicated records. If the key were stored under another name than the index
 * uses, or with another value, the document would replace the row of another key. Such records are refused.
 *
 * The deployment renames fields per object (C36, C38): `_id` becomes `source_id`, or `source_source_id` if
 * the document has a `source_id` already. If two fields get the same name, the later one silently wins. Works
 * on bytes: only names that the deployment may rename are decoded.
 */
import { CDC_DELETED, collidingName, fieldNameOf } from '../shared/convex/identifiers.ts';
import { IndexedMembers } from '../shared/json/indexed-members.ts';
import type { QuietKeys } from '../shared/json/wasm/keys.ts';
import { keyValueProblem, type KeyValueProblem } from './key-values.ts';
import { BACKSLASH, Members, OPEN_BRACE, bytesAre, stringAt } from '../shared/json/raw.ts';

/**
 * Why a record is refused before it is sent: its key has no value, would be stored under another name than
 * the index uses, or has a value that Convex stores as the value of another key (see key-values.ts).
 */
export interface KeyProblem {
  kind: 'missing' | 'ambiguous' | KeyValueProblem;
  field: string;
}

/** A key field. Only a stored name that begins with the prefix may be given to other fields as well. */
class GuardedField {
  readonly source: string;
  /** The names that the field may be given, in order: each one with the prefix once more. */
  readonly chain: string[];
  /** How many of the chain's first names must be taken by other fields for the key to get its stored name. */
  readonly taken: number;
  /** Whether the field was seen in the current object. */
  seen = false;
  /** Bits: which names of the chain other fields of the current object have. */
  others = 0;
  conflict = false;

  constructor(source: string, stored: string) {
    this.source = source;
    if (source === stored) {
      this.chain = [];
      this.taken = 0;
      return;
    }
    let name = basicName(source) ?? stored;
    this.chain = [name];
    while (name !== stored && this.chain.length < 8) {
      name = collidingName(name);
      this.chain.push(name);
    }
    this.taken = this.chain.length - 1;
  }

  reset(): void {
    this.seen = false;
    this.others = 0;
    this.conflict = false;
  }

  problem(): KeyProblem | undefined {
    if (!this.seen) return { kind: 'missing', field: this.source };
    // All names before the stored one taken, the stored one free.
    if (this.conflict || (this.chain.length > 0 && this.others !== (1 << this.taken) - 1))
      return { kind: 'ambiguous', field: this.source };
    return undefined;
  }
}

/** What a field's name means in the objects of one place. */
interface Role {
  bytes: Buffer;
  /** Whether it marks a deletion: 2 if by its own name, which keeps others from getting it (C38). */
  marker: 0 | 1 | 2;
  effects: ((buffer: Buffer, start: number, end: number) => void)[];
}

/** An object that a key path leads into, and where its value stands in the object in hand. */
interface Inner {
  name: string;
  guard: ObjectGuard;
  start: number;
  end: number;
}

/** A key field's path: each name as the source has it and as it is stored. */
type Path = readonly (readonly [source: string, stored: string])[];

/** The fields of one object (the record, or an object inside it that a key path leads into). */
export class ObjectGuard {
  readonly #fields: GuardedField[] = [];
  /** The fields whose values are part of the key. */
  readonly #keys = new Set<string>();
  readonly #keyBytes: Buffer[] = [];
  #merged: KeyProblem | undefined;
  readonly #inner: Inner[] = [];
  readonly #indexed = new IndexedMembers();
  /** For objects that are too large for the other. */
  readonly #members = new Members();
  readonly #roles: Role[] = [];
  /** Roles of keys that are recognised at once, by their numbers. */
  readonly #known: Role[] = [];
  markerStart = -1;
  markerEnd = -1;
  #marker = 0;
  /** Fields of the key whose value is null in this object, those of inner objects not counted. */
  #nulls = 0;
  /** The position after the object. */
  end = 0;

  constructor(paths: readonly Path[]) {
    const byName = new Map<string, Path[]>();
    for (const [head, ...rest] of paths) {
      if (head === undefined) continue;
      const [source, stored] = head;
      if (!this.#fields.some((field) => field.source === source)) this.#fields.push(new GuardedField(source, stored));
      if (rest.length === 0) this.#keys.add(source);
      else byName.set(source, [...(byName.get(source) ?? []), rest]);
    }
    for (const name of this.#keys) this.#keyBytes.push(Buffer.from(name));
    for (const [name, inner] of byName) this.#inner.push({ name, guard: new ObjectGuard(inner), start: -1, end: -1 });
  }

  /** Fields of the key whose value is null in the object that was scanned. */
  get nulls(): number {
    let nulls = this.#nulls;
    for (const { guard } of this.#inner) nulls += guard.nulls;
    return nulls;
  }

  /** Whether `inspect` may have anything to tell of the object that was scanned last, with quiet keys. */
  get suspicious(): boolean {
    return this.#indexed.suspicious;
  }

  scan(buffer: Buffer, start: number, end: number, quiet?: QuietKeys): KeyProblem | undefined {
    this.markerStart = -1;
    this.#marker = 0;
    for (const field of this.#fields) field.reset();
    for (const inner of this.#inner) inner.start = -1;
    this.#merged = undefined;
    this.#nulls = 0;
    if (this.#indexed.open(buffer, start, end, quiet)) this.#walk(this.#indexed, buffer);
    else this.#walk(this.#members.open(buffer, start, end), buffer);
    if (this.#merged !== undefined) return this.#merged;
    for (const field of this.#fields) {
      const problem = field.problem();
      if (problem !== undefined) return problem;
    }
    for (const inner of this.#inner) {
      if (inner.start === -1 || buffer[inner.start] !== OPEN_BRACE) return { kind: 'missing', field: inner.name };
      const problem = inner.guard.scan(buffer, inner.start, inner.end);
      if (problem !== undefined) return { kind: problem.kind, field: `${inner.name}.${problem.field}` };
    }
    return undefined;
  }

  #walk(members: Members | IndexedMembers, buffer: Buffer): void {
    const indexed = this.#indexed;
    const watched = this.#inner.length > 0;
    while (members.next()) {
      const known = members === indexed && indexed.key !== -1 ? this.#known[indexed.key] : undefined;
      if (known !== undefined) {
        this.#apply(known, members, buffer);
        continue;
      }
      const { keyStart, keyEnd } = members;
      const learnable = members === indexed && indexed.learnable;
      if (!learnable && !watched && !isSpecial(buffer, keyStart, keyEnd) && !this.#isKey(buffer, keyStart, keyEnd))
        continue;
      const role = this.#roleAt(buffer, keyStart, keyEnd);
      this.#apply(role, members, buffer);
      if (!learnable) continue;
      if (role.marker > 0 || role.effects.length > 0) this.#known[indexed.want()] = role;
      else indexed.ignore();
    }
    this.end = members.end;
  }

  #isKey(buffer: Buffer, start: number, end: number): boolean {
    return this.#keyBytes.some((name) => bytesAre(buffer, start, end, name));
  }

  #roleAt(buffer: Buffer, keyStart: number, keyEnd: number): Role {
    const known = this.#roles.find(({ bytes }) => bytesAre(buffer, keyStart, keyEnd, bytes));
    if (known !== undefined) return known;
    const role = this.#roleOf(buffer, keyStart, keyEnd);
    // Documents may have any number of keys (a map by id): those are not all kept.
    if (this.#roles.length < MAX_ROLES) this.#roles.push(role);
    return role;
  }

  #apply({ marker, effects }: Role, { valueStart, valueEnd }: Members | IndexedMembers, buffer: Buffer): void {
    if (marker > 0 && marker >= this.#marker) {
      this.#marker = marker;
      this.markerStart = valueStart;
      this.markerEnd = valueEnd;
    }
    for (const effect of effects) effect(buffer, valueStart, valueEnd);
  }

  #roleOf(buffer: Buffer, keyStart: number, keyEnd: number): Role {
    const name = stringAt(buffer, keyStart - 1, keyEnd + 1);
    const basic = basicName(name);
    const effects: Role['effects'] = [];
    for (const field of this.#fields) {
      const place = field.chain.indexOf(name);
      if (name === field.source) effects.push(() => (field.seen = true));
      else if (place !== -1) effects.push(() => (field.others |= 1 << place));
      else if (basic !== undefined && field.chain.includes(basic)) effects.push(() => (field.conflict = true));
    }
    if (this.#keys.has(name)) {
      effects.push((bytes, start, end) => {
        if (bytes[start] === LETTER_N) this.#nulls++;
        const kind = keyValueProblem(bytes, start, end);
        if (kind !== undefined) this.#merged = { kind, field: name };
      });
    }
    const inner = this.#inner.find((child) => child.name === name);
    if (inner !== undefined) {
      effects.push((_, start, end) => {
        inner.start = start;
        inner.end = end;
      });
    }
    const marker = basic !== CDC_DELETED ? 0 : name === CDC_DELETED ? 2 : 1;
    return { bytes: Buffer.from(buffer.subarray(keyStart, keyEnd)), marker, effects };
  }
}

const MAX_ROLES = 256;
/** Only null begins with it. */
const LETTER_N = 0x6e;

/** The name that a field gets where nothing interferes; undefined where only the deployment knows. */
function basicName(name: string): string | undefined {
  const renamed = fieldNameOf(name);
  return renamed.kind === 'name' ? renamed.name : undefined;
}

/** Bytes in names that may be renamed: escapes, control characters, anything beyond ASCII. */
const ODD = Array.from({ length: 256 }, (_, byte) => byte < 0x20 || byte >= 0x7f || byte === BACKSLASH);
const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;
const PREFIX = Buffer.from('source_');

/** Whether the deployment may rename this field, or its name is one that renamed fields get. */
function isSpecial(buffer: Buffer, start: number, end: number): boolean {
  const first = buffer[start];
  if (first === UNDERSCORE || first === DOLLAR) return true;
  if (bytesAre(buffer, start, Math.min(end, start + PREFIX.length), PREFIX)) return true;
  for (let at = start; at < end; at++) if (ODD[buffer[at]!]) return true;
  return false;
}
