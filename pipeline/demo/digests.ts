import type { Deployment, Value, ValueObject } from '../../emulator/index.ts';
import { addedTo, copiedName, importedName, inPlainJson, isMarker, isObject, OWN } from './compare.ts';

/** The documents of a table as they are or have to be: their number, and 64 bits to which each field adds. */
export interface Digest {
  table: string;
  documents: number;
  hash: string;
}

/** Two lanes of 32 bits. */
interface Hash {
  a: number;
  b: number;
}

/**
 * Computes the digests of one deployment, as often as it is compared. A document never changes in place,
 * another object replaces it. So a comparison hashes only the documents that are new since the one before.
 */
export class Digests {
  /** The hashes of documents. Each revision of one is an object of its own. */
  readonly #hashes = new Map<object, Hash>();

  /** The tables that a deployment has to be copied into. Equal digests mean that `compare` finds no differences. */
  expected(source: Deployment): Digest[] {
    return source.tables().map(({ table, component }) => {
      // What the source adds to all documents of a table is hashed once.
      const { source_ts: _, ...added } = addedTo(table, component, undefined);
      const ofAll = sumOfFields(added, false, copiedNames);
      const sum = new TableSum();
      for (const [original, ts] of currentDocuments(source, table, component)) {
        let hash = this.#hashes.get(original);
        if (hash === undefined) {
          const fields = sumOfFields(original, true, importedNames);
          const ofTs = sumOfFields({ source_ts: Number(ts) }, false, copiedNames);
          hash = hashOfDocument(fields.a + ofAll.a + ofTs.a, fields.b + ofAll.b + ofTs.b);
          this.#hashes.set(original, hash);
        }
        sum.add(hash);
      }
      return sum.digest(copiedName(table, component));
    });
  }

  /** The tables that a deployment holds as copies. */
  found(destination: Deployment): Digest[] {
    return destination.tables().map(({ table, component }) => {
      const sum = new TableSum();
      for (const [copy] of currentDocuments(destination, table, component)) {
        let hash = this.#hashes.get(copy);
        if (hash === undefined) {
          const fields = sumOfFields(copy, false, copiedNames);
          hash = hashOfDocument(fields.a, fields.b);
          this.#hashes.set(copy, hash);
        }
        sum.add(hash);
      }
      return sum.digest(table);
    });
  }
}

/**
 * The documents of a table with their timestamps, in the order in which they were written. To read them in the order
 * of their ids takes several times as long: most of them are then in another part of the memory than the one before.
 */
function* currentDocuments(deployment: Deployment, table: string, component: string): Generator<[ValueObject, bigint]> {
  for (const { entry, revision } of deployment.catalog.get(table, component)?.log.rows ?? []) {
    if (revision !== undefined && revision.value !== null && entry?.head === revision)
      yield [revision.value, revision.ts];
  }
}

export function sameDigests(expected: readonly Digest[], found: readonly Digest[]): boolean {
  const byTable = new Map(found.map((each) => [each.table, each]));
  const tables = new Set(expected.map(({ table }) => table));
  return (
    expected.every(({ table, documents, hash }) => {
      const other = byTable.get(table);
      return other === undefined ? documents === 0 : other.documents === documents && other.hash === hash;
    }) && found.every(({ table, documents }) => tables.has(table) || isMarker(table, documents))
  );
}

/** A sum: the order of documents does not count, so nothing has to be sorted. */
class TableSum {
  #documents = 0;
  #a = 0;
  #b = 0;

  add({ a, b }: Hash): void {
    this.#a = (this.#a + a) | 0;
    this.#b = (this.#b + b) | 0;
    this.#documents++;
  }

  digest(table: string): Digest {
    return { table, documents: this.#documents, hash: `${this.#a},${this.#b}` };
  }
}

// The hash of what is being added: two lanes of 32 bits.
let a = 0;
let b = 0;

function restart(): void {
  a = 0x9e3779b9 | 0;
  b = 0x85ebca77 | 0;
}

function addWord(word: number): void {
  a = Math.imul(a ^ word, 0x85ebca6b);
  a ^= a >>> 13;
  b = Math.imul(b ^ word, 0xc2b2ae35);
  b ^= b >>> 16;
}

/** As `addWord` for each two characters. The length tells an odd last one from a pair with a zero. */
function addText(text: string): void {
  const { length } = text;
  // In local variables: comparing spends most of its time here.
  let [one, other] = [a, b];
  for (let at = 0; at < length; at += 2) {
    const word = text.charCodeAt(at) | (at + 1 < length ? text.charCodeAt(at + 1) << 16 : 0);
    one = Math.imul(one ^ word, 0x85ebca6b);
    one ^= one >>> 13;
    other = Math.imul(other ^ word, 0xc2b2ae35);
    other ^= other >>> 16;
  }
  a = one;
  b = other;
  addWord(length);
}

/** The hashes of the names that fields have in a copy: documents have the same names over and over. */
class Names {
  readonly #hashes = new Map<string, Hash | undefined>();
  readonly #inCopy: (name: string) => string | undefined;

  /** `inCopy` gives the name in the copy; undefined for a field that does not count. */
  constructor(inCopy: (name: string) => string | undefined) {
    this.#inCopy = inCopy;
  }

  get(name: string): Hash | undefined {
    const known = this.#hashes.get(name);
    if (known !== undefined) return known;
    const copied = this.#inCopy(name);
    if (copied === undefined) return undefined;
    restart();
    addText(copied);
    const hash = { a, b };
    this.#hashes.set(name, hash);
    return hash;
  }
}

const importedNames = new Names(importedName);
const copiedNames = new Names((name) => (OWN.includes(name) ? undefined : name));

/** The sum of the hashes of all fields, in any order. `plain`: the values as plain JSON says them. */
function sumOfFields(object: ValueObject, plain: boolean, names: Names): Hash {
  const sum = { a: 0, b: 0 };
  for (const name in object) {
    const hash = names.get(name);
    if (hash === undefined) continue;
    a = hash.a;
    b = hash.b;
    addValue(object[name] ?? null, plain);
    sum.a = (sum.a + a) | 0;
    sum.b = (sum.b + b) | 0;
  }
  return sum;
}

/** Hashed once more: fields that two documents exchange change the sum of the table. */
function hashOfDocument(sumA: number, sumB: number): Hash {
  restart();
  addWord(sumA);
  addWord(sumB);
  return { a, b };
}

const number = new Float64Array(1);
const bits = new Int32Array(number.buffer);
const [TEXT, NUMBER, OTHER, BYTES, LIST, OBJECT] = [1, 2, 3, 4, 5, 6];

/** Types are told apart: 0 is not -0, and an int64 is no number. */
function addValue(given: Value, plain: boolean): void {
  const value = plain ? (inPlainJson(given) ?? null) : given;
  if (typeof value === 'string') {
    addWord(TEXT);
    addText(value);
  } else if (typeof value === 'number') {
    addWord(NUMBER);
    number[0] = value;
    addWord(bits[0] ?? 0);
    addWord(bits[1] ?? 0);
  } else if (value instanceof ArrayBuffer) {
    addWord(BYTES);
    addText(Buffer.from(value).toString('base64'));
  } else if (Array.isArray(value)) {
    addWord(LIST);
    for (const element of value) addValue(element, plain);
    addWord(value.length);
  } else if (isObject(value)) {
    // In the order of the names that it has in the copy.
    const names = Object.keys(value).map((name) => [plain ? importedName(name) : name, name] as const);
    names.sort(([one], [other]) => (one < other ? -1 : 1));
    addWord(OBJECT);
    for (const [copied, name] of names) {
      addText(copied);
      addValue(value[name] ?? null, plain);
    }
    addWord(names.length);
  } else {
    addWord(OTHER);
    addText(`${typeof value} ${value}`);
  }
}
